"""What is said about a session that is claimed and has no terminal yet."""


def not_started(name: str, place: int) -> str:
    """Return why nothing can be done with its agent yet; `place` is its place in the queue, 0 when it is starting."""
    where = f" (number {place} in the queue)" if place else ""
    return f"{name} has not started yet{where}: leave it a message with `ao send {name} TEXT`"
