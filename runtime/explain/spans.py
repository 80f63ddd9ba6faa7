"""Spans of time in words."""

_UNITS = ((86400.0, "days"), (3600.0, "h"), (60.0, "min"))


def span(seconds: float) -> str:
    """Return a span as `0.4 s`, `12 s`, `3 min`, `2 h` or `5 days`."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds / size)} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 >= 0.05 else f"{max(0, round(seconds))} s"


def ago(at: float, now: float) -> str:
    """Return how long ago a time was."""
    return f"{span(now - at)} ago" if now - at >= 1 else "just now"


def ahead(at: float, now: float) -> str:
    """Return how long a time is ahead."""
    return f"in {span(at - now)}" if at > now else "now"
