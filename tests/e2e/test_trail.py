"""The audit trail of a real service, followed by a real `ao` across its deaths."""

import asyncio
import json
import os
import re
import signal
import sys

from tests.e2e.play import at_rest, rows, set_stage, short_directory
from tests.e2e.test_service import QUIET, bot_says, labelled, ready

AO = [sys.executable, "-m", "bot"]


def environment(stage):
    return {**os.environ, "AO_DATA_DIR": str(stage.service.data), "PYTHONUNBUFFERED": "1", "COLUMNS": "80"}


async def ao(stage, *arguments):
    """Run a command of `ao` and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *AO, *arguments, env=environment(stage), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    shown, said = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, said) == (0, b"")
    return shown.decode()


async def now(value):
    return value


async def test_a_tail_misses_nothing_and_repeats_nothing_across_kills_and_a_restart():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            tail = await asyncio.create_subprocess_exec(
                *AO, "events", "tail", "--json", "-n", "1000", env=environment(stage),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=1 << 20,
            )  # fmt: skip

            async def tailed():
                return json.loads(await asyncio.wait_for(tail.stdout.readline(), 30))["id"]

            story = await labelled(stage)
            seen = [await tailed()]  # a tail that meets no service at its own start does not wait for one
            stage.service._process.send_signal(signal.SIGTERM)
            assert await stage.service.ended() == 0
            (home / "kills").write_text("12\n30")
            await stage.service.start()
            await stage.service.ready()
            await ready(story)
            await stage.maintainer.comment(story.issue, "still there?")
            answered = "SELECT 1 FROM messages WHERE kind = 'comment' AND state = 'answered'"
            await story.until("the comment is answered", lambda: now(rows(stage, answered)))
            ((last,),) = rows(stage, "SELECT MAX(id) FROM records WHERE kind = 'message' AND summary LIKE '%answered%'")
            while seen[-1] < last:
                seen.append(await tailed())
            assert (home / "kills").read_text() == ""
            tail.send_signal(signal.SIGINT)
            _, said = await tail.communicate()
            assert seen == [row[0] for row in rows(stage, "SELECT id FROM records WHERE id <= ? ORDER BY id", seen[-1])]
            assert tail.returncode == 0
            aways = said.decode().count("The service has gone away")
            assert 0 < aways == said.decode().count("The service is back")


async def test_people_can_ask_why():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            story = await labelled(stage)
            view = await ready(story)
            await stage.maintainer.comment(story.issue, "still there?")
            await bot_says(story, "Noted.")
            await stage.stranger.comment(story.issue, "do it my way")

            async def skipped():
                return rows(stage, "SELECT guid FROM deliveries WHERE skip_reason LIKE 'stranger has no write%'")

            ((guid,),) = await story.until("the stranger's words are skipped", skipped)
            await story.until("what was said is known to be", lambda: at_rest(stage))
            told = await ao(stage, "explain", view["name"])
            assert "maintainer may write to demo/names" in told
            assert "comment on #1 → sent after" in " ".join(told.split())
            told = " ".join((await ao(stage, "explain", guid)).split())
            assert re.search(r"did nothing (at once|after [\d.]+ s): stranger has no write", told), told
            found = json.loads(await ao(stage, "events", "search", "stranger", "permission", "--json"))
            assert [(one["kind"], one["delivery"], one["sessionId"]) for one in found] == [("skip", guid, view["name"])]
            assert "message" in await ao(stage, "events", "stats", "-s", view["name"])
