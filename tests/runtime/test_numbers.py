"""Numbers of sessions, each used once."""

from runtime.numbers import MOST, highest
from runtime.store import numbers, sessions
from tests.fakes.github import REPO


def test_only_branches_named_like_the_projects_own_count():
    branches = ["main", "ao/app-3", "ao/app-12/part", "ao/app-x", "ao/other-99", "ao/app-007", "feat/app-50"]
    assert highest(branches, "app") == 12
    assert highest([], "app") == 0
    assert highest(["ao/a.p-1"], "a+p") == 0
    assert highest([f"ao/app-{MOST}", "ao/app-2"], "app") == 2


def claim(tx, issue):
    return sessions.claim(
        tx, project="app", prefix="app", repo=REPO, issue=issue, title="t", task="t", agent="scripted", base="main",
        asked_by="x",
    )  # fmt: skip


async def test_numbers_that_the_forge_knows_are_not_given_out(bot):
    await bot.store.write(lambda tx: numbers.raise_floor(tx, "app", 7))
    await bot.store.write(lambda tx: numbers.raise_floor(tx, "app", 3))
    first = await bot.store.write(lambda tx: claim(tx, 1))
    second = await bot.store.write(lambda tx: claim(tx, 2))
    assert (first.id, second.id) == ("app-8", "app-9")
    assert bot.store.read(lambda sql: numbers.floor(sql, "other")) == 0
