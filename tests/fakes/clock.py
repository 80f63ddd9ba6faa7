"""Time that passes only when a test says so."""

NOW = 1_790_000_000.0


class FakeClock:
    """A clock to pass on as `clock`."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
