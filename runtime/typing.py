"""Types a message into an agent's terminal and believes only the agent that it has arrived."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypeVar

import msgspec

from runtime.composer import PROBE, holds, shows
from runtime.panes import Condition, Paste, Still, always
from runtime.tmux import Tmux

T = TypeVar("T")

TYPING = "a person is typing in the terminal"
DRAFT = "a person has left a draft in the composer"
HELD = (TYPING, DRAFT)
"""People go first, however long they take: these reasons have no limit."""

FIRST_LOOK, RARER = 0.004, 1.3
"""How soon the screen is looked at again, and how much rarer each time: every look starts a program."""


class TypingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is typed to; seconds."""

    clear: tuple[str, ...] = ("C-u",) * 6
    submit: str = "Enter"
    empty_at: int | None = None
    """The column of the cursor in an empty composer, where that tells a draft."""
    waits: tuple[float, ...] = (0.3, 1.0, 2.0, 2.0)
    """How long to wait for the receipt before each look at what went wrong, and at last."""
    ready_within: float = 5.0
    echo_within: float = 0.5
    pastes: int = 2
    typing_for: float = 5.0
    """How long after a key of theirs a person counts as typing."""


class Typed(msgspec.Struct, frozen=True):
    """How it ended.

    `held` and `refused` mean that nothing was typed, `cut_off` that something came in between, `dead` that the agent
    is gone.
    """

    outcome: Literal["accepted", "not_accepted", "cut_off", "dead", "refused", "held"]
    reason: str = ""


MayType = Callable[[], Awaitable[str | None]]
"""Gives a reason against typing, as the agent and people have it right now."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when may be typed."""

    tmux: Tmux
    session: str
    pane: str
    may_type: MayType
    still: Still = always
    """Tells at the very last moment whether nothing has happened since `may_type` was asked."""
    is_ours: Callable[[str], bool] = lambda _line: False
    """Tells whether a line in the composer is something that we have typed before."""
    clock: Callable[[], float] = time.time


async def type_message(
    target: Target,
    text: str,
    *,
    accepted: asyncio.Event,
    policy: TypingPolicy,
    typed_before: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Typed:
    """Type `text` and wait until `accepted` is set; `may_type` is asked right before every key.

    Enter follows only once the text stands in the composer: it would take whatever a dialog preselects. A swallowed
    Enter is pressed again. The text is pasted again only when the agent has demonstrably read all that was typed
    before and has not taken it; so it is from the start when `typed_before`. Cancelling leaves no half of a message.
    """
    return await _Typist(target, text, accepted, policy, report).type(typed_before=typed_before)


async def held(target: Target, policy: TypingPolicy) -> str | None:
    """Return why people go first right now, or None."""
    terminal = await target.tmux.terminal(target.session, target.pane)
    if terminal is None:
        return None
    if terminal.typed_at is not None and target.clock() - terminal.typed_at < policy.typing_for:
        return TYPING
    drafted = policy.empty_at is not None and terminal.column != policy.empty_at
    return DRAFT if drafted and not target.is_ours(terminal.line) else None


class _Typist:
    def __init__(
        self,
        target: Target,
        text: str,
        accepted: asyncio.Event,
        policy: TypingPolicy,
        report: Callable[[str], None],
    ) -> None:
        self._target, self._tmux, self._pane, self._policy = target, target.tmux, target.pane, policy
        self._text, self._accepted, self._report = text, accepted, report
        self._before = ""
        self._pastes = 0
        self._submits = 0
        """Since the last paste."""

    async def type(self, *, typed_before: bool) -> Typed:
        if not typed_before and (ended := await self._first_paste()) is not None:
            return ended
        *early, last = self._policy.waits
        for wait in early:
            if await self._receipt(wait if self._submits else 0):
                return Typed("accepted")
            if why := await self._target.may_type():
                return Typed("cut_off", f"typed, then: {why}")
            if not await self._repair():
                return Typed("dead", "the agent's process ended while it was typed to")
        if await self._receipt(last):
            return Typed("accepted")
        return Typed("not_accepted", f"no receipt from the agent within {sum(self._policy.waits):g} s")

    async def _first_paste(self) -> Typed | None:
        until = time.monotonic() + self._policy.ready_within
        unless = Condition(watched=True, empty_at=self._policy.empty_at)
        while True:
            if why := await self._target.may_type():
                return Typed("refused", why)
            outcome = await self._paste_and_submit(unless)
            if outcome == "pasted":
                return None
            if outcome == "dead":
                return Typed("dead", "the agent's process has ended")
            if outcome == "overtaken":
                continue
            if outcome in ("watched", "draft"):
                if why := await held(self._target, self._policy):
                    return Typed("held", why)
                # Nobody types and what stands there is ours: it is cleared, and looked at again.
                unless = Condition(empty_at=self._policy.empty_at)
                await self._tmux.press(self._pane, *self._policy.clear)
            if time.monotonic() > until:
                return Typed("refused", "the agent's terminal does not accept pasted text")
            await asyncio.sleep(0.02)

    async def _receipt(self, wait: float) -> bool:
        try:
            async with asyncio.timeout(wait):
                await self._accepted.wait()
        except TimeoutError:
            return False
        return True

    async def _paste_and_submit(self, unless: Condition) -> str:
        return await _to_the_end(self._steps(unless))

    async def _steps(self, unless: Condition) -> str:
        clear, still = self._policy.clear, self._target.still
        done: Paste = await self._tmux.paste(self._pane, self._text, before=clear, unless=unless, still=still)
        if done.outcome == "pasted":
            self._pastes, self._submits = self._pastes + 1, 0
            self._before = done.before
            self._report("typed" if self._pastes == 1 else "typed again")
            async for _ in _looks(self._policy.echo_within):
                if self._accepted.is_set():
                    break
                if (place := await self._end_of_text()) is not None and await self._submit(place) and self._submits:
                    break
        return done.outcome

    async def _repair(self) -> bool:
        """Do the next thing that can help; False if the pane is dead."""
        if self._pastes and (place := await self._end_of_text()) is not None:
            return await self._submit(place)
        found = await _to_the_end(self._probe())
        if found in ("dead", "silent"):
            return found == "silent"
        if found == "text" or (self._pastes and not self._submits):
            terminal = await self._tmux.terminal(self._target.session, self._pane)
            return terminal is not None and await self._submit(terminal.place)
        # All keys were read and the text is nowhere: it was thrown away, unless its receipt is just late.
        if self._pastes >= self._policy.pastes or await self._receipt(self._policy.echo_within):
            return True
        if await self._target.may_type() is not None:
            return True
        return await self._paste_and_submit(Condition()) != "dead"

    async def _submit(self, place: str) -> bool:
        """Press the key that sends the text, unless a dialog is open: then the cursor is not in its `place` any more.

        False if the pane is dead.
        """
        if self._accepted.is_set() or await self._target.may_type() is not None:
            return True
        done = await self._tmux.press_if(self._target.still, self._pane, self._policy.submit, place=place)
        if done == "pressed":
            self._submits += 1
            if self._submits > 1 or not self._pastes:
                self._report("submitted again")
        return done != "dead"

    async def _end_of_text(self) -> str | None:
        """Return the cursor's place when the text stands in the composer, and not only in what was said before."""
        terminal = await self._tmux.terminal(self._target.session, self._pane)
        if terminal is None or terminal.column == self._policy.empty_at:
            return None
        return terminal.place if shows(terminal.screen, self._before, self._text) else None

    async def _probe(self) -> Literal["text", "clear", "silent", "dead"]:
        """Type something visible behind whatever stands in the composer, and take it back.

        A terminal's input is read in order, so an agent that shows it has read everything before it.
        """
        done = await self._tmux.press_if(self._target.still, self._pane, *PROBE)
        if done != "pressed":
            return "dead" if done == "dead" else "silent"
        found: Literal["text", "clear", "silent"] = "silent"
        async for _ in _looks(self._policy.echo_within):
            screen = await self._tmux.capture(self._pane)
            found = "text" if holds(screen, self._text) else "clear" if PROBE in screen else "silent"
            if found != "silent":
                break
        return found if await self._tmux.press(self._pane, *["BSpace"] * len(PROBE)) else "dead"


async def _looks(within: float) -> AsyncIterator[None]:
    """Pause before each look at the screen, for so many seconds in all."""
    until, pause = time.monotonic() + within, FIRST_LOOK
    while time.monotonic() < until:
        await asyncio.sleep(pause)
        yield
        pause *= RARER


async def _to_the_end(step: Awaitable[T]) -> T:
    """Await a step that a cancelled caller must not leave half done."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
