"""One chain of schema versions."""
