"""Why a session is what it is, and what became of a delivery: pure functions from rows to sentences."""
