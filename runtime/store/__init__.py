"""Everything the service remembers: one SQLite file, one writer."""
