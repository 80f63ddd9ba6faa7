"""The demo: a local GitHub and the story played on it."""
