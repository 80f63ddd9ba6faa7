"""The stories: what a delivery from GitHub does to sessions, and what a session's change says on GitHub."""
