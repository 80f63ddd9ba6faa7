"""Kill, restore, claim-pr and cleanup against a running service, which may be killed between any two of their steps."""

import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.demo.acts import Story
from tests.e2e.play import at_rest, rested, rows, set_stage, short_directory

RULES = """
[[rule]]
match = 'begun before|You were cut off'
actions = [{say = "Going on."}]

[[rule]]
match = 'issue #1 '
actions = [
    {write_file = {path = "work.txt", content = "done"}}, {commit = "Do it"}, "push",
    {pull_request = {title = "Do it"}},
    {write_file = {path = "draft.txt", content = "half an idea"}}, {say = "Half way."},
]

[[rule]]
match = '.'
actions = [{say = "Noted."}]
"""
ONE, TWO = "nam-1", "nam-2"


class Refused(Exception):
    """The service said no."""


class Comeback:
    """Two sessions and the requests about them; a service that dies meanwhile is asked again."""

    def __init__(self, stage):
        self.stage, self.story = stage, Story(stage, patience=60.0)
        self.pull = 0

    async def post(self, path, **body):
        socket = aiohttp.UnixConnector(str(self.stage.service.data / "ao.sock"))
        async with (
            aiohttp.ClientSession(connector=socket) as http,
            http.post(f"http://ao/api/v1/{path}", json=body) as answer,
        ):
            said = await answer.json()
            if answer.status >= 500:
                raise OSError(said["detail"])
            if answer.status >= 400:
                raise Refused(said["detail"])
            return said

    async def done(self, path, *, already="", **body):
        """Ask until it is done; a repeated request may be told that it was done already."""

        async def ask():
            try:
                return await self.post(path, **body)
            except Refused as refused:
                if already and already in str(refused):
                    return {"already": True}
                if "is being given" in str(refused):
                    return None
                raise

        return await self.story.until(path, ask)

    async def view(self, name):
        return await self.stage.service.get(f"/api/v1/sessions/{name}")

    async def until(self, what, name, **wanted):
        async def holds():
            view = await self.view(name)
            return all(view[key] == value for key, value in wanted.items())

        await self.story.until(what, holds)

    async def begins(self):
        """Two issues, two agents; the first has a pull request, and a file that is not committed."""
        for number in (1, 2):
            issue = await self.stage.maintainer.open_issue(f"Task {number}", "Please.")
            await self.stage.maintainer.label(issue, "agent")
            await self.story.until(f"session {number}", lambda number=number: self.view(f"nam-{number}"))
            await self.story.until(f"agent {number} has finished its turn", lambda: rested(self.stage))

        async def opened():
            return await self.stage.maintainer.get("/pulls")

        self.pull = (await self.story.until("a pull request", opened))[0]["number"]
        await self.until("its branch", ONE, prNumber=self.pull)
        await self.answered("ci")
        await self.until("it is told of", ONE, activity="ready")

    async def goes_on(self):
        """Claim, kill, restore, merge and clean up."""
        await self.done(f"sessions/{TWO}/claim", pull=str(self.pull))
        await self.until("the new branch", TWO, branch=f"ao/{ONE}")
        await self.done(f"sessions/{ONE}/kill", reason="to be restored")
        await self.until("the worktree is gone", ONE, workspacePath=None)
        await self.done(f"sessions/{ONE}/restore", already="is live")
        await self.until("the agent is back", ONE, activity="ready")
        await self.story.until("all agents have finished their turns", lambda: rested(self.stage))
        await self.stage.maintainer.comment(self.pull, "Nice.")
        await self.answered("comment")
        await self.stage.maintainer.merge(self.pull)
        await self.until("it is merged", TWO, status="merged")
        await self.done("cleanup")
        await self.until("it is cleaned up", TWO, workspacePath=None)

    async def answered(self, kind):
        async def look():
            return self.rows("SELECT 1 FROM messages WHERE kind = ? AND state = 'answered'", kind)

        await self.story.until(f"the {kind} is answered", look)

    def rows(self, query, *values):
        return rows(self.stage, query, *values)

    def newest_record(self):
        return self.rows("SELECT MAX(id) FROM records")[0][0]

    def git(self, *args, where=None):
        where = where or self.stage.service.data / "repos/demo/names.git"
        return subprocess.run(["git", "-C", where, *args], capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Ending:
    """What a user can see at the end."""

    statuses: tuple[tuple[str, str, bool], ...]
    draft: str
    files: str
    kept: str
    messages: tuple[tuple[str, str, str], ...]
    claims: tuple[str, ...]
    restored: int
    pulls: int


UNTOUCHED = Ending(
    statuses=((ONE, "working", True), (TWO, "merged", False)),
    draft="half an idea",
    files="?? draft.txt",
    kept="",
    messages=(
        (ONE, "ci", "answered"),
        (ONE, "person", "answered"),
        (ONE, "task", "answered"),
        (ONE, "task", "answered"),
        (TWO, "comment", "answered"),
        (TWO, "person", "answered"),
        (TWO, "task", "answered"),
    ),
    claims=(ONE, TWO),
    restored=1,
    pulls=1,
)


def ending(scene, pulls):
    worktree = Path(scene.stage.service.data / "worktrees" / "names" / ONE)
    refs = scene.git("for-each-ref", "--format=%(refname)", f"refs/ao/preserved/{ONE}/")
    return Ending(
        statuses=tuple((name, status, bool(live)) for name, status, live in scene.rows(
            "SELECT id, announced_status, live FROM sessions ORDER BY id"
        )),
        draft=(worktree / "draft.txt").read_text(),
        files=scene.git("status", "--short", where=worktree),
        kept=refs,
        messages=tuple(scene.rows("SELECT session_id, kind, state FROM messages ORDER BY session_id, kind")),
        claims=tuple(row[0] for row in scene.rows("SELECT session_id FROM facts WHERE kind = 'claimed' ORDER BY 1")),
        restored=len(scene.rows("SELECT 1 FROM records WHERE kind = 'restored' AND summary LIKE '%a person%'")),
        pulls=len(pulls),
    )  # fmt: skip


async def play(home, kills):
    """Play it all; the service dies at these records, counted from when both agents are ready."""
    async with set_stage(home, rules=RULES) as stage:
        scene = Comeback(stage)
        await scene.begins()
        plan, first = home / "kills", scene.newest_record()
        if kills:
            await stage.service.stop()
            plan.write_text("\n".join(str(first + kill) for kill in kills))
            await stage.service.start()
            await stage.service.ready()
        await scene.goes_on()
        await scene.story.until("nothing is left to do", lambda: at_rest(stage))
        pulls = await stage.maintainer.get("/pulls?state=all")
        return ending(scene, pulls), scene.newest_record() - first, len(kills) - len(plan.read_text().split())


async def test_claim_kill_restore_and_cleanup_end_as_expected():
    with short_directory() as home:
        seen, records, _ = await play(home, [])
    assert seen == UNTOUCHED
    assert records > LAST_RECORD, records


LAST_RECORD = 60
KILLS = 6


@pytest.mark.parametrize("seed", range(2))
async def test_kills_anywhere_in_them_change_nothing(seed):
    await play_with_kills(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
async def test_many_more_kills_anywhere_in_them_change_nothing_either(seed):
    await play_with_kills(seed)


async def play_with_kills(seed):
    chance, stretch = random.Random(seed), LAST_RECORD // KILLS
    kills = [number * stretch + chance.randrange(2, stretch) for number in range(KILLS)]
    with short_directory() as home:
        seen, _, deaths = await play(home, kills)
    assert seen == UNTOUCHED, f"killed after records {kills}"
    assert deaths == KILLS
