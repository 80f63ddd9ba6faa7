"""What agents push is taken in once."""

import asyncio
import json

import pytest

from runtime.facts import Process
from runtime.ingest import ingest
from runtime.said import Restored
from runtime.store import messages
from tests.fakes.github import SHA


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pushes.jsonl"


async def queue(bot, text, state="pasted"):
    add = {"kind": "person", "author": "me", "parts": {"body": text}, "text": text, "state": state}
    return await bot.store.write(lambda tx: messages.add(tx, "app-1", source_key=f"k:{text}", **add))


def states(bot):
    return [message.state for message in bot.messages]


async def test_turn_is_known_from_prompt_to_end(bot, file):
    await bot.starts()
    await bot.pushes(file, {"kind": "prompt", "text": "x"})
    assert (bot.facts.turn.state, bot.facts.turn.number, bot.status[1]) == ("active", 1, "task_in_progress")
    await bot.pushes(file, {"kind": "turn_ended", "last_message": "Done."})
    assert (bot.facts.turn.state, bot.facts.turn.last_message) == ("ready", "Done.")
    await bot.pushes(file, {"kind": "prompt", "text": "y"})
    assert bot.facts.turn.number == 2


async def test_prompt_is_the_receipt_of_the_message_with_its_text(bot, file):
    await bot.starts()
    await queue(bot, "first  words")
    await queue(bot, "second")
    await bot.pushes(file, {"kind": "prompt", "text": "first words\n"})
    assert states(bot) == ["accepted", "pasted"]
    await bot.pushes(file, {"kind": "turn_ended"})
    assert states(bot) == ["answered", "pasted"]


async def test_message_that_was_not_typed_yet_has_no_receipt(bot, file):
    await bot.starts()
    await queue(bot, "same words", state="queued")
    await bot.pushes(file, {"kind": "prompt", "text": "same words"})
    assert (states(bot), len(bot.records("typed"))) == (["queued"], 1)


async def test_every_line_counts_once_however_often_and_at_once_it_is_read(bot, file):
    await bot.starts()
    lines = [{"kind": "prompt", "text": "x"}, {"kind": "turn_ended"}] * 5
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await asyncio.gather(*(ingest(bot.store, "app-1", file) for _ in range(8)))
    assert (bot.facts.turn.number, bot.session.push_offset) == (5, file.stat().st_size)
    await ingest(bot.store, "app-1", file)
    assert bot.facts.turn.number == 5


async def test_half_a_line_waits_for_its_other_half(bot, file):
    await bot.starts()
    line = json.dumps({"kind": "prompt", "text": "x"}) + "\n"
    file.write_text(line[:10])
    await ingest(bot.store, "app-1", file)
    assert bot.facts.turn.number == 0
    file.write_text(line)
    await ingest(bot.store, "app-1", file)
    assert bot.facts.turn.number == 1


async def test_end_of_the_process_fails_what_waits_and_ends_the_session(bot, file):
    await bot.starts()
    await queue(bot, "never read")
    await bot.pushes(file, {"kind": "exited", "code": 3})
    assert (states(bot), bot.status, bot.live) == (["failed"], ("errored", "agent_process_exited"), [])
    assert bot.messages[0].evidence == "the agent's process has ended"


async def test_exit_in_a_merged_session_changes_nothing_people_see(bot, github, file):
    await bot.starts()
    pull = github.open_pull(sha=SHA)
    await bot.receives(github.merge(pull))
    said = bot.said
    await bot.pushes(file, {"kind": "exited", "code": 0})
    assert (bot.status, bot.said) == (("merged", "merged"), said)


async def test_unknown_session_and_missing_file_are_nothing(bot, file):
    await ingest(bot.store, "app-9", file)
    await bot.starts()
    await ingest(bot.store, "app-1", file)
    assert bot.session.push_offset == 0


async def test_lines_nobody_understands_are_passed_over(bot, file):
    await bot.starts()
    file.write_bytes(b'not json\n{"kind":"dance"}\n\xff\xfe\n{"kind":"waiting","question":"?"}\n')
    await ingest(bot.store, "app-1", file)
    assert bot.status == ("needs_input", "awaiting_user_input")


async def test_end_of_an_earlier_run_is_not_this_ones(bot, file):
    await bot.starts()
    await bot.learns(Process(state="running", run="second", pid=2))
    await bot.pushes(file, {"kind": "exited", "run": "first", "signal": 1})
    assert (bot.facts.process.state, len(bot.live)) == ("running", 1)
    await bot.pushes(file, {"kind": "exited", "run": "second", "code": 0})
    assert (bot.facts.process.state, bot.live) == ("exited", [])


async def test_end_that_is_heard_of_after_a_restore_and_before_its_start_is_an_earlier_ones(bot, file):
    await bot.starts()
    bot.clock.passes(1)
    await bot.learns(Restored(by="me"))
    bot.clock.passes(1)
    await bot.pushes(file, {"kind": "exited", "signal": 1})
    assert (bot.facts.process, len(bot.live)) == (None, 1)
