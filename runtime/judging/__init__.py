"""The rules that a session's status is judged by, one module for each concern; all of them pure."""
