"""The service is stopped and started again while its sessions are at work."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time

from bot.demo.acts import Story
from tests.e2e.play import rows, set_stage, short_directory
from tests.e2e.test_service import QUIET, labelled, ready

SESSIONS, COMMENTS = 3, 4


async def until(stage, what, look):
    story = Story(stage, patience=90.0)

    async def ask():
        return look()

    return await story.until(what, ask)


def prompts(stage):
    """Return all that the agents say they were told."""
    files = (stage.service.data / "launch").glob("*/pushes.jsonl")
    pushed = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return [one["text"] for one in pushed if one["kind"] == "prompt"]


async def test_sigterm_under_load_exits_0_in_time_and_loses_nothing():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            stories = [await labelled(stage) for _ in range(SESSIONS)]
            texts = [f"comment {n} on {story.issue}" for story in stories for n in range(COMMENTS)]

            async def comments():
                for n in range(COMMENTS):
                    for story in stories:
                        await stage.maintainer.comment(story.issue, f"comment {n} on {story.issue}")

            talking = asyncio.create_task(comments())
            await until(stage, "an answer", lambda: rows(stage, "SELECT 1 FROM messages WHERE state = 'answered'"))
            stage.service._process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert await stage.service.ended() == 0
            assert time.monotonic() - began < 30
            assert [path.name for path in stage.service.data.glob("ao.db*")] == ["ao.db"]
            await talking  # the rest is said while nobody listens
            await stage.service.start()
            await stage.service.ready()

            def answered():
                query = "SELECT count(*) FROM messages WHERE kind = 'comment' AND state = 'answered'"
                return rows(stage, query)[0][0] == len(texts)

            await until(stage, "all comments are answered", answered)
            told = prompts(stage)
            assert {text: sum(text in one for one in told) for text in texts} == dict.fromkeys(texts, 1)
            assert rows(stage, "SELECT count(*) FROM messages WHERE state = 'failed'") == [(0,)]
            assert rows(stage, "SELECT count(*) FROM sessions WHERE live") == [(SESSIONS,)]


async def test_agent_that_ended_while_the_service_was_away_gets_its_exit_code():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            story = await labelled(stage)
            await ready(story)
            stage.service._process.send_signal(signal.SIGTERM)
            assert await stage.service.ended() == 0
            [[agent]] = rows(stage, "SELECT json_extract(value, '$.pid') FROM facts WHERE kind = 'process'")
            os.kill(agent, signal.SIGKILL)
            await stage.service.start()
            await stage.service.ready()

            def ended():
                return rows(stage, "SELECT 1 FROM sessions WHERE announced_reason = 'agent_process_exited'")

            await until(stage, "its end is known", ended)
            assert rows(stage, "SELECT json_extract(value, '$.signal') FROM facts WHERE kind = 'process'") == [(9,)]


async def test_boot_of_another_machine_run_is_noticed_and_the_sessions_are_lost_with_that_reason():
    with short_directory() as home:
        async with set_stage(home, rules=QUIET) as stage:
            story = await labelled(stage)
            await ready(story)
            stage.service._process.send_signal(signal.SIGTERM)
            await stage.service.ended()
            await stage.service.end_terminals()
            pretend_an_earlier_boot(stage)
            await stage.service.start()
            await stage.service.ready()

            def lost():
                return rows(stage, "SELECT 1 FROM sessions WHERE announced_reason = 'runtime_lost' AND NOT live")

            await until(stage, "the session is lost", lost)
            assert rows(stage, "SELECT json_extract(value, '$.detail') FROM facts WHERE kind = 'process'") == [
                ("the machine was started again",)
            ]


def pretend_an_earlier_boot(stage):
    """Rewrite what is stored as if it had been stored before the machine was started again."""
    with contextlib.closing(sqlite3.connect(stage.service.data / "ao.db")) as store, store:
        store.execute("UPDATE notes SET value = '\"earlier\"' WHERE key = 'boot_id'")
        store.execute("UPDATE facts SET value = json_set(value, '$.boot', 'earlier') WHERE kind = 'process'")
    for file in (stage.service.data / "launch").glob("*/pushes.jsonl"):
        kept = [line for line in file.read_text().splitlines() if '"exited"' not in line]
        file.write_text("".join(f"{line}\n" for line in kept))
