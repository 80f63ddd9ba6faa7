"""Types a message into an agent's terminal and believes only the agent that it has arrived."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec

from runtime.tmux import Pasted, Tmux

MAY_COMMAND = ("/", "!", "#")
# Punctuation that selects nothing in any dialog we know, see knowledge/agents.md section 1.
PROBE = "~.~.~"
_GONE = {code: None for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)) if code not in (0x09, 0x0A)}
# Reorder, hide or smuggle text: bidirectional controls, zero-width characters and tags.
_SEEN = (
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xE0000, 0xE0080),
)
_CHARACTERS: dict[int, str | None] = {
    **_GONE,
    **{code: f"<U+{code:04X}>" for code in _SEEN if code not in (0x200C, 0x200D)},
    0x2028: "\n",
    0x2029: "\n",
}

T = TypeVar("T")


class TypingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is typed to; seconds."""

    clear: tuple[str, ...] = ("C-u",) * 6
    submit: str = "Enter"
    at_once: bool = True
    """Submit in the same step as the paste: for an idle agent. A busy one may open a dialog in between."""
    waits: tuple[float, ...] = (0.3, 1.0, 2.0, 2.0)
    """How long to wait for the receipt before each look at what went wrong, and at last."""
    ready_within: float = 5.0
    echo_within: float = 0.5
    pastes: int = 2


class Typed(msgspec.Struct, frozen=True):
    """How it ended: taken in by the agent, without a receipt, or nothing typed because the pane is dead or may not."""

    outcome: Literal["accepted", "not_accepted", "dead", "refused"]
    reason: str = ""


def as_terminal_text(text: str) -> str:
    """Return text that a terminal and an agent take as data; doing it twice changes nothing.

    Control characters go, characters that reorder or hide text become visible, and a first character that agents
    read as a command gets a space before it.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS).strip("\n")
    return f" {plain}" if plain.startswith(MAY_COMMAND) else plain


async def type_message(
    tmux: Tmux,
    pane: str,
    text: str,
    *,
    may_type: Callable[[], str | None],
    accepted: asyncio.Event,
    policy: TypingPolicy,
    report: Callable[[str], None] = lambda _: None,
) -> Typed:
    """Type `text` and wait until `accepted` is set; `may_type` gives a reason against it right before every key.

    A swallowed Enter is pressed again. The text is pasted again only when the agent has demonstrably read all that
    was typed before and has not taken it. Cancelling leaves either nothing or a submitted message.
    """
    return await _Typist(tmux, pane, text, may_type, accepted, policy, report).type()


class _Typist:
    def __init__(
        self,
        tmux: Tmux,
        pane: str,
        text: str,
        may_type: Callable[[], str | None],
        accepted: asyncio.Event,
        policy: TypingPolicy,
        report: Callable[[str], None],
    ) -> None:
        self._tmux, self._pane, self._policy = tmux, pane, policy
        self._text, self._beginning = text, _beginning(text)
        self._may_type, self._accepted, self._report = may_type, accepted, report
        self._pastes = 0

    async def type(self) -> Typed:
        ended = await self._first_paste()
        if ended is not None:
            return ended
        *early, last = self._policy.waits
        for wait in early:
            if await self._receipt(wait):
                return Typed("accepted")
            if why := self._may_type():
                return Typed("not_accepted", f"typed, then: {why}")
            if not await self._repair():
                return Typed("dead", "the agent's process ended while it was typed to")
        if await self._receipt(last):
            return Typed("accepted")
        return Typed("not_accepted", f"no receipt from the agent within {sum(self._policy.waits):g} s")

    async def _first_paste(self) -> Typed | None:
        until = time.monotonic() + self._policy.ready_within
        while True:
            if why := self._may_type():
                return Typed("refused", why)
            done = await self._paste()
            if done == "pasted":
                return None
            if done == "dead":
                return Typed("dead", "the agent's process has ended")
            if time.monotonic() > until:
                return Typed("refused", "the agent's terminal does not accept pasted text")
            await asyncio.sleep(0.05)

    async def _receipt(self, wait: float) -> bool:
        try:
            async with asyncio.timeout(wait):
                await self._accepted.wait()
        except TimeoutError:
            return False
        return True

    async def _paste(self) -> Pasted:
        done = await _to_the_end(self._paste_and_submit())
        if done == "pasted":
            self._pastes += 1
            self._report("typed" if self._pastes == 1 else "typed again")
        return done

    async def _paste_and_submit(self) -> Pasted:
        clear, submit = self._policy.clear, self._policy.submit
        if self._policy.at_once:
            return await self._tmux.paste(self._pane, self._text, before=clear, after=(submit,))
        done = await self._tmux.paste(self._pane, self._text, before=clear)
        if done == "pasted" and self._may_type() is None:
            await self._tmux.press(self._pane, submit)
        return done

    async def _repair(self) -> bool:
        """Do the next thing that can help; False if the pane is dead."""
        if await self._shows_text():
            return await self._submit_again()
        echoed = await self._answers_keys()
        if echoed is None:
            return False
        if await self._shows_text():
            return await self._submit_again()
        # All keys were read and the text is nowhere: it was thrown away, unless its receipt is just late.
        if not echoed or self._pastes >= self._policy.pastes or await self._receipt(self._policy.echo_within):
            return True
        return self._may_type() is not None or await self._paste() == "pasted"

    async def _submit_again(self) -> bool:
        self._report("submitted again")
        return await self._tmux.press(self._pane, self._policy.submit)

    async def _shows_text(self) -> bool:
        screen = _squeezed(await self._tmux.capture(self._pane))
        return self._beginning in screen or "[Pasted" in screen

    async def _answers_keys(self) -> bool | None:
        """Type something visible and take it back; True if it was seen, None if the pane is dead.

        A terminal's input is read in order, so an agent that shows it has read everything before it.
        """
        if not await _to_the_end(self._press_probe()):
            return None
        until = time.monotonic() + self._policy.echo_within
        seen = False
        while not seen and time.monotonic() < until:
            seen = PROBE in await self._tmux.capture(self._pane)
        return seen if await self._tmux.press(self._pane, *["BSpace"] * len(PROBE)) else None

    async def _press_probe(self) -> bool:
        return await self._tmux.press(self._pane, *PROBE)


async def _to_the_end(step: Awaitable[T]) -> T:
    """Await a step that a cancelled caller must not leave half done."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _beginning(text: str) -> str:
    return _squeezed(next((line for line in text.split("\n") if line.strip()), "").strip()[:24])
