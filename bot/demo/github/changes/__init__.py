"""The only code that changes the local GitHub's state; each change sends the webhooks that GitHub would send."""
