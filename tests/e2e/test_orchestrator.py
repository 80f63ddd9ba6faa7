"""An orchestrator and its workers for real: agents that start each other, talk, and end together."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from bot.demo.acts import Story
from tests.e2e.play import rows, set_stage, short_directory

RULES = r"""
[[rule]]
match = 'You coordinate'
actions = [
    {shell = "ao spawn --prompt 'Write the greeting'"},
    {shell = {command = "git commit -q --allow-empty -m mine && git push origin HEAD", may_fail = true}},
    {say = "One worker started."},
]

[[rule]]
match = 'Write the greeting'
actions = [
    {shell = "ao spawn --prompt 'Write the farewell'"},
    {shell = "ao send nam-orchestrator 'The greeting is written'"},
    {say = "Greeting written."},
]

[[rule]]
match = 'Write the farewell'
actions = [{shell = "ao send nam-1 'The farewell is written'"}, {say = "Farewell written."}]

[[rule]]
match = '\[from (\S+)\]'
actions = [{say = "Heard {{1}}."}]
"""
ROOT = Path(__file__).parents[2]
CHIEF = "nam-orchestrator"


async def ao(stage, *arguments):
    """What the command line says, as a person in another terminal types it."""
    given = {**os.environ, "AO_DATA_DIR": str(stage.service.data), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, cwd=stage.home, env=given, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode()


def answered(stage, name):
    """What a session has answered, besides its task."""
    query = "SELECT author || ': ' || json_extract(parts, '$.body') FROM messages WHERE session_id = ?"
    return [row[0] for row in rows(stage, f"{query} AND kind = 'session' AND state = 'answered' ORDER BY id", name)]


def living(stage):
    return [row[0] for row in rows(stage, "SELECT id FROM sessions WHERE live ORDER BY number")]


async def seen(story, what, holds):
    """Wait until something holds."""

    async def look():
        return holds()

    await story.until(what, look)


async def test_agents_start_each_other_talk_and_end_together():
    with short_directory() as home:
        async with set_stage(home, rules=RULES) as stage:
            story = Story(stage, patience=60.0)
            assert (await ao(stage, "orchestrator", "start")).startswith(f"Orchestrator {CHIEF} started.")
            heard = {CHIEF: ["nam-1: The greeting is written"], "nam-1": ["nam-2: The farewell is written"]}
            await seen(story, "both have heard", lambda: {name: answered(stage, name) for name in heard} == heard)
            assert living(stage) == [CHIEF, "nam-1", "nam-2"]
            assert rows(stage, "SELECT parent FROM sessions ORDER BY number") == [(None,), (None,), ("nam-1",)]
            [refused] = rows(stage, "SELECT summary FROM records WHERE kind = 'push_refused' AND session_id = ?", CHIEF)
            assert "changes no code" in refused[0]
            assert (await ao(stage, "session", "kill", "nam-1")) == "Session nam-1 killed.\n"
            await seen(story, "its child has ended too", lambda: living(stage) == [CHIEF])
            assert (await ao(stage, "orchestrator", "relaunch")).startswith(f"Orchestrator {CHIEF} started anew.")
            await seen(story, "it has started another worker", lambda: "nam-3" in living(stage))
            assert (await ao(stage, "orchestrator", "start")).startswith(f"Orchestrator {CHIEF} is running already.")
