"""Read-only pages of what is going on, for a person to watch: no scripts, nothing from elsewhere."""
