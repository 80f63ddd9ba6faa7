"""The demo: a local GitHub, a small project, and the story from label to merge played with real parts.

Nothing here imports the bot: it is watched from outside, through GitHub's API and the service's socket.
"""
