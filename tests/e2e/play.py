"""Plays the demo's story on a stage of its own, with a service that may be killed, and says how it ended."""

import contextlib
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.acts import ACTS, Story
from bot.demo.stage import Stage, stage

KILLABLE = Path(__file__).with_name("killable.py")


@dataclass(frozen=True)
class Ending:
    """What a user can see at the end, and what must not depend on kills."""

    sessions: int
    pulls: int
    status_comments: int
    bot_comments: int
    thread_replies: int
    reactions: int
    files: tuple[str, ...]
    messages: tuple[str, ...]
    dead_letters: int
    merged: bool


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose name leaves room for the sockets in it."""
    home = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def set_stage(
    home: Path, *, kills: list[int] | None = None, rules: str | None = None, token_mode: bool = False
) -> AsyncIterator[Stage]:
    """A stage whose service works without pauses; `rules` is what its scripted agent plays instead of the demo."""
    plan, script = home / "kills", home / "script.toml"
    plan.write_text("\n".join(map(str, sorted(kills or []))))
    if rules is not None:
        script.write_text(rules)
    serve = [sys.executable, str(KILLABLE), str(plan)]
    played = script if rules is not None else None
    async with stage(home, speed=50.0, serve=serve, script=played, token_mode=token_mode) as made:
        yield made


def rows(set_up: Stage, query: str, *values: object) -> list[Any]:
    """What the store holds, read beside the service."""
    with contextlib.closing(sqlite3.connect(f"file:{set_up.service.data}/ao.db?mode=ro", uri=True)) as store:
        return store.execute(query, values).fetchall()


async def rested(set_up: Stage, path: str = "sessions") -> list[dict[str, Any]]:
    """The sessions listed there if their agents have answered all they were told and wait for more, else none.

    An agent is ready before its first prompt too, so that it is ready says nothing of its task; its messages do, once
    it is. What was read of it before them may be older than its answers.
    """
    ready = await _ready(set_up, path)
    if rows(set_up, "SELECT 1 FROM messages WHERE state NOT IN ('answered', 'failed')"):
        return []
    found = await _ready(set_up, path)
    return found if [one["name"] for one in found] == [one["name"] for one in ready] else []


async def _ready(set_up: Stage, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await set_up.service.get(f"/api/v1/{path}"))["sessions"]
    return found if all(one["activity"] == "ready" for one in found) else []


async def play(home: Path, kills: list[int], *, token_mode: bool = False) -> tuple[Ending, int]:
    """Play the whole story while the service dies at `kills`; return the ending and how often it died."""
    async with set_stage(home, kills=kills, token_mode=token_mode) as set_up:
        story = Story(set_up, patience=60.0)
        for _, act in ACTS:
            await act(story)
        await story.until("nothing is left to do", lambda: at_rest(set_up))
        return await _ending(set_up, story), len(kills) - len((home / "kills").read_text().split())


async def at_rest(set_up: Stage) -> bool:
    """Tell whether the service has handled and said everything."""
    left = rows(
        set_up,
        "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending')"
        " UNION ALL SELECT 1 FROM deliveries WHERE state IN ('queued', 'running')",
    )
    return not left


async def _ending(set_up: Stage, story: Story) -> Ending:
    person = set_up.maintainer
    pulls = await person.get("/pulls?state=all")
    on_issue, on_pull = await story.bot_comments(story.issue), await story.bot_comments(story.pull)
    replies = [one for one in await person.get(f"/pulls/{story.pull}/comments") if one.get("in_reply_to_id")]
    return Ending(
        sessions=len(rows(set_up, "SELECT 1 FROM sessions")),
        pulls=len(pulls),
        status_comments=sum("| Session |" in text for text in on_issue),
        bot_comments=len(on_issue) + len(on_pull),
        thread_replies=len(replies),
        files=tuple(sorted(one["filename"] for one in await person.get(f"/pulls/{story.pull}/files"))),
        reactions=len(await person.get(f"/issues/{story.issue}/reactions")),
        messages=tuple(row[0] for row in rows(set_up, "SELECT kind || ':' || state FROM messages ORDER BY id")),
        dead_letters=len(rows(set_up, "SELECT 1 FROM deliveries WHERE state = 'dead'")),
        merged=bool(pulls[0]["merged_at"]),
    )
