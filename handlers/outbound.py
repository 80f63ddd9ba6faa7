"""Outbound stories: what a session's change says on GitHub.

A story is a plain function, because it runs inside the transaction that made the change: it may add rows, and wait
for nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from runtime.announce import Story
from runtime.sessions import Session
from runtime.store import outbox
from runtime.store.tx import Tx
from runtime.visible import plain

F = TypeVar("F", bound=Callable[..., None])

STORIES: dict[type, list[Story]] = {}


def on(change: type) -> Callable[[F], F]:
    """Register a story for a kind of change."""

    def register(story: F) -> F:
        STORIES.setdefault(change, []).append(story)
        return story

    return register


def quiet(text: str) -> str:
    """Return others' words as the bot may say them: nothing in them is hidden, and nobody is mentioned again."""
    return plain(text).replace("@", "@\u200b")


def quiet_line(text: str, most: int) -> str:
    """Return the beginning of others' words on one line."""
    line = " ".join(text.split())
    return quiet(line if len(line) <= most else f"{line[: most - 1]}…")


def say(tx: Tx, session: Session, number: int, body: str, *, key: str) -> None:
    """Comment on an issue or pull request, once per key."""
    send(tx, session, "comment", key, number=number, body=body)


def send(tx: Tx, session: Session, kind: str, key: str, **payload: Any) -> None:
    """Queue one write to GitHub about a session, once per key."""
    full = f"{session.repo}:{key}"
    outbox.enqueue(tx, key=full, kind=kind, repo=session.repo, payload=payload, session_id=session.id)
