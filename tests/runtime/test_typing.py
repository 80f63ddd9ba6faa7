"""Typing a message into an agent's terminal, believed only when the agent confirms it."""

import asyncio
import statistics
import subprocess
import time
from contextlib import asynccontextmanager, suppress

import pytest

from runtime.pushes import Wake
from runtime.typing import TypingPolicy, as_terminal_text, type_message

HASTY = TypingPolicy(waits=(0.1, 0.4, 0.8, 1.0), clear=("C-u",), echo_within=0.3)
ANSWER = '[[rule]]\nmatch = ""\nactions = [{say = "ok"}'


def anyway():
    return None


@asynccontextmanager
async def receipts(seat, text):
    """Set an event when the agent pushes that it accepted `text`, as the service does."""
    accepted = asyncio.Event()

    def look(_):
        if any(push["text"] == text for push in seat.pushes("prompt")):
            accepted.set()

    wake = Wake(look)
    wake.watch("s-1", seat.place.wake)
    yield accepted
    wake.close()


async def type_to(seat, text, *, may_type=anyway, policy=HASTY, report=lambda _: None):
    async with receipts(seat, text) as accepted:
        return await type_message(
            seat.tmux, seat.pane, text, may_type=may_type, accepted=accepted, policy=policy, report=report
        )


def prompts(seat):
    return [push["text"] for push in seat.pushes("prompt")]


async def test_idle_agent_takes_messages_in_a_few_hundredths_of_a_second(desk):
    seat, taken = await desk.seat(), []
    for number in range(8):
        begun = time.perf_counter()
        assert (await type_to(seat, f"message {number}")).outcome == "accepted"
        taken.append(time.perf_counter() - begun)
        await seat.pushed("turn_ended", number + 1)
    assert prompts(seat) == [f"message {number}" for number in range(8)]
    assert statistics.median(taken) < 0.1


async def test_swallowed_enter_is_repaired_every_time(desk):
    seat = await desk.seat("[misbehave]\nswallow_enter = 1\n" + ANSWER + ", {swallow_enter = 1}]")
    done = []
    for number in range(20):
        assert (await type_to(seat, f"{number}: please\nfix it", report=done.append)).outcome == "accepted"
        await seat.pushed("turn_ended", number + 1)
    assert prompts(seat) == [f"{number}: please\nfix it" for number in range(20)]
    assert done == ["typed", "submitted again"] * 20


async def test_message_of_200_kilobytes_arrives_whole(desk):
    seat, text = await desk.seat(), as_terminal_text("line of text; $(id) `id` #{pid}\r\n" * 6000)
    assert (await type_to(seat, text)).outcome == "accepted"
    assert prompts(seat) == [text]


async def test_nothing_is_typed_when_it_may_not(desk):
    seat = await desk.seat()
    typed = await type_to(seat, "hello", may_type=lambda: "the agent waits for a decision")
    assert (typed.outcome, typed.reason) == ("refused", "the agent waits for a decision")
    assert "hello" not in await seat.tmux.capture(seat.pane)


async def test_dialog_that_opens_during_the_paste_is_not_answered(desk):
    seat = await desk.seat("[misbehave]\ndialog_before_paste = 1\n")

    def may_type():
        return "the agent waits for a decision" if seat.pushes("waiting") and not seat.pushes("resumed") else None

    # The agent is given time to open its dialog between paste and Enter.
    paste = seat.tmux.paste

    async def slow_paste(*args, **kwargs):
        done = await paste(*args, **kwargs)
        await seat.pushed("waiting")
        return done

    seat.tmux.paste = slow_paste
    careful = TypingPolicy(at_once=False, waits=HASTY.waits, clear=HASTY.clear)
    typed = await type_to(seat, "hello", may_type=may_type, policy=careful)
    assert (typed.outcome, typed.reason) == ("not_accepted", "typed, then: the agent waits for a decision")
    assert seat.pushes("resumed") == []


async def test_careful_typing_reaches_an_agent_too(desk):
    seat = await desk.seat()
    assert (await type_to(seat, "hello", policy=TypingPolicy(at_once=False))).outcome == "accepted"


async def test_dead_agent_is_not_typed_to_and_the_others_live_on(desk):
    seat, other = await desk.seat(session="s-1"), await desk.seat(session="s-2")
    await seat.tmux.press(seat.pane, "C-c", "C-c")
    await seat.pushed("exited")
    await seat.died()
    assert (await type_to(seat, "hello")).outcome == "dead"
    assert (await type_to(other, "hello")).outcome == "accepted"


async def test_agent_that_dies_of_the_paste_is_dead(desk):
    seat = await desk.seat("[misbehave]\ndie_after_paste = 1\n")
    assert (await type_to(seat, "hello")).outcome == "dead"


async def test_message_that_was_thrown_away_is_typed_again(desk):
    seat, done = await desk.seat("[misbehave]\ndeaf = {messages = 1}\n"), []
    assert (await type_to(seat, "hello", report=done.append)).outcome == "accepted"
    assert prompts(seat) == ["hello"]
    assert done == ["typed", "typed again"]


async def test_deaf_agent_is_reported_and_gets_the_text_once_at_most(desk):
    seat, done = await desk.seat("[misbehave]\ndeaf = {seconds = 60}\n"), []
    policy = TypingPolicy(waits=(0.05, 0.05, 0.05), echo_within=0.1)
    typed = await type_to(seat, "hello", report=done.append, policy=policy)
    assert typed.outcome == "not_accepted"
    assert "no receipt" in typed.reason
    assert done == ["typed"]


@pytest.mark.parametrize("late", [0.2, 0.5, 1.2])
async def test_agent_that_reads_late_gets_the_message_once(desk, late):
    seat = await desk.seat(f"[misbehave]\necho_late = {late}\n")
    assert (await type_to(seat, "hello")).outcome == "accepted"
    await seat.pushed("turn_ended")
    await seat.shows("> ")
    assert (await type_to(seat, "next")).outcome == "accepted"
    assert prompts(seat) == ["hello", "next"]


async def test_copy_mode_and_a_forgotten_draft_do_not_spoil_the_message(desk):
    seat = await desk.seat()
    await seat.tmux.press(seat.pane, "d", "r", "a", "f", "t")
    subprocess.run(["tmux", "-S", desk.root / "tmux", "copy-mode", "-t", seat.pane], check=True)
    assert (await type_to(seat, "hello")).outcome == "accepted"
    assert prompts(seat) == ["hello"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_cancelled_sender_leaves_no_draft(desk, until, at_once):
    seat = await desk.seat()
    policy = TypingPolicy(at_once=at_once, clear=("C-u",))
    for number in range(16):
        sending = asyncio.create_task(type_to(seat, f"message {number}", policy=policy))
        end = time.monotonic() + number * 0.0005
        while time.monotonic() < end:
            await asyncio.sleep(0)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        # Without clearing the composer: a draft would stand before the text.
        await seat.tmux.paste(seat.pane, f"check {number}", after=("Enter",))
        await until(lambda check=f"check {number}": any(check in text for text in prompts(seat)))
    assert set(prompts(seat)) <= {f"{what} {number}" for number in range(16) for what in ("message", "check")}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("\x1b[201~\rrm -rf", "[201~\nrm -rf"),
        ("\x9b31m\x7f\x00\ud800", "31m"),
        ("/quit", " /quit"),
        ("!ls", " !ls"),
        ("#note", " #note"),
        ("\n\x00/quit", " /quit"),
        ("say /quit", "say /quit"),
        ("\u202e/quit", "<U+202E>/quit"),
        ("a\u200bb\ufeff\u2066\U000e0041", "a<U+200B>b<U+FEFF><U+2066><U+E0041>"),
        ("family: 👨\u200d👩\u200d👧 ünï", "family: 👨\u200d👩\u200d👧 ünï"),
        ("a\u2028b", "a\nb"),
        ("", ""),
    ],
)
def test_text_becomes_data(text, plain):
    assert as_terminal_text(text) == plain
    assert as_terminal_text(plain) == plain


def test_large_text_is_cleaned_quickly():
    text = "ünï \x1b[0m\u202e\r\n" * 20_000
    begun = time.process_time()
    assert "\x1b" not in as_terminal_text(text)
    assert time.process_time() - begun < 1
