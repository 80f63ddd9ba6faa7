"""What the scripted agent's program is made of; stands alone and imports nothing of the service."""
