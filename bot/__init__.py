"""The outside: HTTP, the GitHub client, configuration, the command line and the demo."""
