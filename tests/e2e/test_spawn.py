"""Sessions started from the command line of a real service: on a text, on a pull request, many, and across kills."""

import asyncio
import os
import subprocess
import sys

import pytest

from bot.demo.acts import Story
from tests.e2e.play import rested, rows, set_stage, short_directory
from tests.e2e.test_service import QUIET

HALF_DONE = r"""
[[rule]]
match = 'Take over pull request #\d+'
actions = [
    {write_file = {path = "whole.txt", content = "all of it\n"}}, {commit = "Finish it"}, {push = {}}, {say = "Done."},
]

[[rule]]
match = 'issue #(\d+)'
actions = [
    {write_file = {path = "half.txt", content = "half of it\n"}}, {commit = "Begin it"}, {push = {}},
    {pull_request = {title = "Half of it", body = "Closes #{{1}}"}}, {say = "Half way."},
]
"""
KILLS = [4, 9, 14, 17, 22, 26, 31]


async def ao(stage, *arguments):
    """Run a command of `ao` and return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, env={**os.environ, "AO_DATA_DIR": str(stage.service.data)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    shown, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, shown.decode(), said.decode()


async def settled(story, count):
    """Wait until so many live sessions have finished their turns; return them."""

    async def look():
        found = await rested(story.stage)
        return found if len(found) == count else None

    return await story.until(f"{count} agents have finished their turns", look)


async def test_pull_request_of_an_ended_session_is_finished_by_another():
    with short_directory() as home:
        async with set_stage(home, rules=HALF_DONE) as stage:
            story = Story(stage, patience=60.0)
            issue = await stage.maintainer.open_issue("A task", "Please.")
            code, shown, said = await ao(stage, "spawn", f"names/{issue}")
            assert (code, shown.splitlines()[-1], said) == (0, "SESSION=nam-1", "")
            [pull] = await story.until("there is a pull request", lambda: stage.maintainer.get("/pulls?state=open"))
            code, _, said = await ao(stage, "spawn", "--claim-pr", str(pull["number"]))
            end = "tell it with `ao send nam-1`, or end it first, `ao session kill nam-1`.\n"
            assert (code, said) == (1, f"ao/nam-1 is what nam-1 works on: {end}")
            assert (await ao(stage, "session", "kill", "nam-1"))[0] == 0
            code, shown, said = await ao(stage, "spawn", "--claim-pr", str(pull["number"]))
            assert (code, said) == (0, "")
            assert shown.splitlines()[0] == f"✓ Session nam-2 spawned (claimed {pull['html_url']})"

            async def finished():
                found = await stage.maintainer.get(f"/pulls/{pull['number']}/commits")
                return found if len(found) > 1 else None

            commits = await story.until("its agent has pushed", finished)
            [now] = await stage.maintainer.get("/pulls?state=open")
            assert [one["commit"]["message"].splitlines()[0] for one in commits] == ["Begin it", "Finish it"]
            assert (now["head"]["ref"], now["head"]["sha"]) == ("ao/nam-1", commits[-1]["sha"])
            view = await stage.service.get("/api/v1/sessions/nam-2")
            assert (view["branch"], view["prNumber"]) == ("ao/nam-1", pull["number"])


async def test_pull_request_of_a_person_is_finished_when_a_comment_names_the_bot():
    with short_directory() as home:
        async with set_stage(home, rules=HALF_DONE) as stage:
            story = Story(stage, patience=60.0)
            git = ["git", f"--git-dir={stage.hub.world.repository('demo/names').path}"]
            who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
            begun = subprocess.check_output(
                [*git, *who, "commit-tree", "main^{tree}", "-p", "main", "-m", "Begin it"], text=True
            ).strip()
            subprocess.run([*git, "branch", "topic", begun], check=True)
            asked = {"title": "A topic", "head": "topic", "base": "main"}
            pull = await stage.maintainer.ask("POST", "/pulls", asked)
            await stage.maintainer.comment(pull["number"], f"@{stage.bot} please finish it")

            async def finished():
                found = await stage.maintainer.get(f"/pulls/{pull['number']}/commits")
                return found if len(found) > 1 else None

            commits = await story.until("its agent has pushed", finished)
            assert [one["commit"]["message"].splitlines()[0] for one in commits] == ["Begin it", "Finish it"]
            view = await stage.service.get("/api/v1/sessions/nam-1")
            assert (view["branch"], view["prNumber"]) == ("topic", pull["number"])


async def test_issue_that_is_not_there_starts_nothing():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            code, shown, said = await ao(stage, "spawn", "99")
            assert (code, shown) == (1, "")
            assert said.startswith("There is no issue #99 in demo/names")
            assert rows(stage, "SELECT id FROM sessions") == []
            assert not (stage.service.data / "worktrees").exists()


async def test_number_that_only_the_forge_knows_is_not_used_again():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            story = Story(stage, patience=60.0)
            bare = stage.hub.world.repository("demo/names").path
            for branch in ("ao/nam-1", "ao/nam-6"):
                subprocess.run(["git", f"--git-dir={bare}", "branch", branch, "main"], check=True)
            issue = await stage.maintainer.open_issue("A task", "Please.")
            await stage.maintainer.label(issue, "agent")
            [view] = await settled(story, 1)
            assert (view["name"], view["branch"], view["issueId"]) == ("nam-7", "ao/nam-7", str(issue))

            async def one_comment():
                found = [text for text in await _comments(stage, issue) if "nam-7" in text]
                return len(await _comments(stage, issue)) == 1 and found

            await story.until("the one status comment names it", one_comment)


async def _comments(stage, issue):
    return [one["body"] for one in await stage.maintainer.get(f"/issues/{issue}/comments")]


@pytest.mark.parametrize("kills", [[], KILLS], ids=["untouched", "killed"])
async def test_each_of_many_starts_once_whenever_the_service_is_killed(kills):
    with short_directory() as home:
        async with set_stage(home, rules=QUIET, kills=kills) as stage:
            story = Story(stage, patience=60.0)
            for number in range(4):
                issue = await stage.maintainer.open_issue(f"Task {number}", "Please.")
                await stage.maintainer.label(issue, "agent")
            views = await settled(story, 4)
            assert [view["name"] for view in views] == ["nam-1", "nam-2", "nam-3", "nam-4"]
            assert (home / "kills").read_text() == ""
            tasks = rows(stage, "SELECT session_id, COUNT(*) FROM messages GROUP BY session_id")
            assert tasks == [(view["name"], 1) for view in views]
            worktrees = stage.service.data / "worktrees" / "names"
            for view in views:
                said = subprocess.run(
                    ["git", "-C", view["workspacePath"], "status", "--porcelain", "--branch"],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                assert said.stdout.splitlines() == [f"## {view['branch']}"]

            async def nothing_left():
                there = sorted(place.name.partition("-")[0] for place in worktrees.iterdir())
                return there == [".warm", *["nam"] * 4]

            await story.until("one checkout is ready and nothing is left behind", nothing_left)
