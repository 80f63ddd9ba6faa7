"""The sessions: store, status, inbox, tmux, worktrees and agents; knows no server and no GitHub."""
