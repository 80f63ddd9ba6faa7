"""What every fact has."""

from typing import ClassVar

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing known about a session; a newer one of the same kind and subject replaces it."""

    kind: ClassVar[str]
    at: float = 0.0
    """When it became true, seconds since the epoch, by the clock of whoever observed it."""

    def subject(self) -> str:
        """Return what tells facts of one kind apart, for example the commit and name of a check."""
        return ""
