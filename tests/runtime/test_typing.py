"""Typing a message into an agent's terminal, believed only when the agent confirms it."""

import asyncio
import os
import pty
import subprocess
import threading
import time
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from runtime.composer import as_terminal_text, is_one_of
from runtime.pushes import Wake
from runtime.typing import DRAFT, TYPING, Target, TypingPolicy, type_message
from tests.waiting import until

HASTY = TypingPolicy(waits=(0.1, 0.4, *[5.0] * 10, 30.0), clear=("C-u",), echo_within=0.3)
"""Soon sees what went wrong, and still does after a machine that was held up for some seconds."""
ANSWER = '[[rule]]\nmatch = ""\nactions = [{say = "ok"}'


async def anyway():
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


async def type_to(seat, text, *, may_type=anyway, policy=HASTY, ours=(), **more):
    target = Target(
        tmux=seat.tmux, session=seat.place.directory.name, pane=seat.pane, may_type=may_type,
        is_ours=lambda line: is_one_of(line, list(ours)),
    )  # fmt: skip
    async with receipts(seat, text) as accepted:
        return await type_message(target, text, accepted=accepted, policy=policy, **more)


def prompts(seat):
    return [push["text"] for push in seat.pushes("prompt")]


async def test_idle_agent_takes_one_message_after_the_other(desk):
    seat = await desk.seat()
    for number in range(8):
        assert (await type_to(seat, f"message {number}")).outcome == "accepted"
        await seat.pushed("turn_ended", number + 1)
    assert prompts(seat) == [f"message {number}" for number in range(8)]


async def test_swallowed_enter_is_repaired_every_time(desk):
    seat = await desk.seat("[misbehave]\nswallow_enter = 1\n" + ANSWER + ", {swallow_enter = 1}]")
    for number in range(20):
        done = []
        assert (await type_to(seat, f"{number}: please\nfix it", report=done.append)).outcome == "accepted"
        assert (done[0], set(done[1:])) == ("typed", {"submitted again"})
        await seat.pushed("turn_ended", number + 1)
    assert prompts(seat) == [f"{number}: please\nfix it" for number in range(20)]


async def test_message_of_200_kilobytes_arrives_whole(desk):
    seat, text = await desk.seat(), as_terminal_text("line of text; $(id) `id` #{pid}\r\n" * 6000)
    assert (await type_to(seat, text)).outcome == "accepted"
    assert prompts(seat) == [text]


def against(why):
    async def may_type():
        return why

    return may_type


def while_waiting(seat):
    async def may_type():
        return "the agent waits for a decision" if len(seat.pushes("waiting")) > len(seat.pushes("resumed")) else None

    return may_type


async def test_nothing_is_typed_when_it_may_not(desk):
    seat = await desk.seat()
    typed = await type_to(seat, "hello", may_type=against("the agent waits for a decision"))
    assert (typed.outcome, typed.reason) == ("refused", "the agent waits for a decision")
    assert "hello" not in await seat.tmux.capture(seat.pane)


async def test_dialog_that_opens_during_the_paste_is_not_answered(desk):
    seat = await desk.seat("[misbehave]\ndialog_before_paste = 1\n")
    typed = await type_to(seat, "hello", may_type=while_waiting(seat))
    assert (typed.outcome, typed.reason) == ("cut_off", "typed, then: the agent waits for a decision")
    assert seat.pushes("resumed") == []
    await seat.tmux.press(seat.pane, "y")
    await seat.pushed("ready", 2)
    assert (await type_to(seat, "hello", typed_before=True)).outcome == "accepted"
    assert prompts(seat) == ["hello"]


async def test_text_that_stands_in_the_composer_is_submitted_and_not_typed_again(desk):
    """As after a crash between the paste and its Enter."""
    seat, done = await desk.seat(), []
    for text in ("hello", "a\nmessage of some lines\nthat end so"):
        await seat.tmux.paste(seat.pane, text)
        assert (await type_to(seat, text, typed_before=True, report=done.append)).outcome == "accepted"
        await seat.pushed("turn_ended", len(prompts(seat)))
    assert prompts(seat) == ["hello", "a\nmessage of some lines\nthat end so"]
    assert done == ["submitted again"] * 2


async def test_message_that_looks_like_the_one_before_is_told_from_it(desk):
    """The first line of every comment is the same; what stands in the transcript is not in the composer."""
    seat = await desk.seat("[[rule]]\nmatch = 'one'\nactions = [{deaf = {messages = 1}}, {say = 'ok'}]")
    first = "Ann said:"
    assert (await type_to(seat, f"{first}\none")).outcome == "accepted"
    await seat.pushed("turn_ended")
    done = []
    assert (await type_to(seat, f"{first}\ntwo", report=done.append)).outcome == "accepted"
    assert prompts(seat) == [f"{first}\none", f"{first}\ntwo"]
    assert done == ["typed", "typed again"]


class Person:
    """Somebody attached to a session, who types."""

    def __init__(self, seat, *options):
        self.end, child = pty.openpty()
        argv = ["tmux", "-S", str(seat.tmux.socket), "attach", *options, "-t", "=s-1"]
        env = {**os.environ, "TMUX": "", "TERM": "xterm"}
        self.process = subprocess.Popen(argv, stdin=child, stdout=child, stderr=child, env=env, start_new_session=True)
        os.close(child)
        threading.Thread(target=self._read, daemon=True).start()

    def types(self, text):
        os.write(self.end, text.encode())

    def leaves(self):
        self.process.terminate()
        self.process.wait(30)

    def _read(self):
        with suppress(OSError):
            while os.read(self.end, 65536):
                pass


@pytest.fixture
def attach():
    people = []

    def come(seat, *options):
        people.append(Person(seat, *options))
        return people[-1]

    yield come
    for person in people:
        person.leaves()
        os.close(person.end)


PEOPLE_FIRST = TypingPolicy(waits=HASTY.waits, clear=("C-u",), empty_at=2, typing_for=1.5)


async def test_person_who_types_is_not_interrupted(desk, attach):
    seat = await desk.seat()
    person = attach(seat)
    await _attached(seat)
    person.types("I am jus")
    await seat.shows("> I am jus")
    typed = await type_to(seat, "hello", policy=msgspec.structs.replace(PEOPLE_FIRST, typing_for=60.0))
    assert (typed.outcome, typed.reason) == ("held", TYPING)
    person.types("t here\r")
    await seat.pushed("turn_ended")
    while (typed := await type_to(seat, "hello", policy=PEOPLE_FIRST)).outcome == "held":
        assert typed.reason == TYPING
        await asyncio.sleep(0.1)
    assert prompts(seat) == ["I am just here", "hello"]


async def test_person_who_only_watches_is_no_obstacle(desk, attach):
    seat = await desk.seat()
    attach(seat, "-r")
    await _attached(seat, typing=False)
    assert (await type_to(seat, "hello", policy=PEOPLE_FIRST)).outcome == "accepted"


async def test_draft_that_a_person_has_left_is_not_thrown_away(desk):
    seat = await desk.seat()
    await seat.tmux.press(seat.pane, *"wait")
    await seat.shows("> wait")
    typed = await type_to(seat, "hello", policy=PEOPLE_FIRST)
    assert (typed.outcome, typed.reason) == ("held", DRAFT)
    assert "> wait" in await seat.tmux.capture(seat.pane)


async def test_prompt_that_an_interrupt_has_put_back_is_cleared(desk):
    seat = await desk.seat("[[rule]]\nmatch = 'first'\nactions = ['stuck']\n[misbehave]\nrestore_prompt = 1")
    assert (await type_to(seat, "the first", policy=PEOPLE_FIRST)).outcome == "accepted"
    await seat.tmux.press(seat.pane, "Escape")
    await seat.pushed("turn_ended")
    await seat.shows("\n> the first")
    assert (await type_to(seat, "the second", policy=PEOPLE_FIRST, ours=["the first"])).outcome == "accepted"
    assert prompts(seat) == ["the first", "the second"]


async def _attached(seat, *, typing=True):
    """Wait until the person is attached, and no longer counts as typing for having come."""
    clients = ["tmux", "-S", seat.tmux.socket, "list-clients"]
    while not subprocess.run(clients, capture_output=True, check=True).stdout:
        await asyncio.sleep(0.01)
    assert ((await seat.tmux.terminal("s-1", seat.pane)).typed_at is not None) is typing


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


async def test_cancelled_sender_leaves_no_draft(desk):
    seat = await desk.seat()
    policy = TypingPolicy(clear=("C-u",))
    for number in range(16):
        sending = asyncio.create_task(type_to(seat, f"message {number}", policy=policy))
        end = time.monotonic() + number * 0.001
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
        ("C:\\", "C:\\ "),
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
