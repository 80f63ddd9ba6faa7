"""Two things at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def both(one: Awaitable[T], other: Awaitable[U]) -> tuple[T, U]:
    """Wait for both to end, whatever becomes of either, and raise what the first of them raised."""
    ended = await asyncio.gather(one, other, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, BaseException):
            raise outcome
    return ended  # type: ignore[return-value]  # what raised is gone
