"""A message of 100 KB: its guarded paste against the bare one, and its whole way beside one that is pasted by hand."""

import asyncio
import json
import time

from bench.figure import Figure, median
from bench.ground import Ground, NotMeasured, ground, ran, until
from bot.cli.unix_http import ask
from runtime.panes import Condition
from runtime.tmux import Tmux

SIZE = 100_000
PASTES, MESSAGES = 25, 9
EMPTY_AT = 2
LINE = "A line of a message that is as long as an issue with its whole log.\n"


async def message() -> list[Figure]:
    """Paste a long text with and without our guards, in turns, into one agent; then send it, and do that by hand."""
    async with ground() as place:
        _, name = await place.session()
        terminal = Terminal(place, name)
        try:
            ours, bare = await _pastes(terminal)
            sent, by_hand = await _messages(terminal)
        finally:
            terminal.tmux.close()
    note = (
        f"{SIZE // 1000} KB pasted, medians of {PASTES}; from the request to the agent's word "
        f"{median(sent) * 1e3:.0f} ms, by hand {median(by_hand) * 1e3:.0f} ms"
    )
    return [Figure("long message", median(ours) * 1e3, "ms", 1.5, floor=median(bare) * 1e3, note=note)]


async def _pastes(terminal: "Terminal") -> tuple[list[float], list[float]]:
    ours: list[float] = []
    bare: list[float] = []
    for number in range(PASTES + 1):
        bare.append(await terminal.bare_paste(_text(f"{number} bare")))
        ours.append(await terminal.guarded_paste(_text(f"{number} guarded")))
    return ours[1:], bare[1:]


async def _messages(terminal: "Terminal") -> tuple[list[float], list[float]]:
    sent: list[float] = []
    by_hand: list[float] = []
    for number in range(MESSAGES):
        by_hand.append(await terminal.typed(_text(f"{number} by hand")))
        sent.append(await terminal.sent(_text(f"{number} sent")))
    return sent, by_hand


def _text(about: str) -> str:
    return f"{about}\n{LINE * (SIZE // len(LINE))}".strip()


class Terminal:
    """One agent's terminal, and its push file, in which it says what it has taken in."""

    def __init__(self, place: Ground, name: str) -> None:
        self._place, self._name, self._file = place, name, place.home / "message"
        self._pushes = place.data / "launch" / name / "pushes.jsonl"
        self.tmux = Tmux(place.data / "tmux" / "s")
        [(step,)] = place.rows("SELECT data FROM steps WHERE session_id = ? AND name = 'terminal'", name)
        self._pane = str(json.loads(step)["pane"])

    async def bare_paste(self, text: str) -> float:
        """Paste with tmux alone; return the seconds that it took."""
        self._file.write_text(text)
        took = await self._tmux(())
        await self._cleared()
        return took

    async def guarded_paste(self, text: str) -> float:
        """Paste as the service does: not into a dead pane, beside a draft, or while somebody is attached."""
        unless, began = Condition(watched=True, empty_at=EMPTY_AT), time.monotonic()
        done = await self.tmux.paste(self._pane, text, before=("C-u",), unless=unless)
        took = time.monotonic() - began
        if done.outcome != "pasted":
            raise NotMeasured(f"nothing was pasted: {done.outcome}")
        await self._cleared()
        return took

    async def typed(self, text: str) -> float:
        """Paste and submit with tmux alone; return the seconds until the agent says that it has the text."""
        self._file.write_text(text)
        before, began = self._size(), time.monotonic()
        await self._tmux((";", "send-keys", "-t", self._pane, "Enter"))
        return await self._taken_in(text, before) - began

    async def sent(self, text: str) -> float:
        """Ask the service to send a text; return the seconds until the agent says that it has it."""
        body = json.dumps({"text": text, "wait": False})
        target, socket = f"/api/v1/sessions/{self._name}/messages", self._place.data / "ao.sock"
        before, began = self._size(), time.monotonic()
        asking = asyncio.create_task(asyncio.to_thread(ask, socket, "POST", target, body, 30.0))
        ended = await self._taken_in(text, before)
        await asking
        return ended - began

    async def _tmux(self, after: tuple[str, ...]) -> float:
        socket = ("-S", str(self._place.data / "tmux" / "s"))
        paste = ("paste-buffer", "-p", "-r", "-d", "-b", "by-hand", "-t", self._pane)
        return await ran("tmux", *socket, "load-buffer", "-b", "by-hand", self._file, ";", *paste, *after)

    async def _cleared(self) -> None:
        """Take the text away again, so that the next one starts where this one did."""
        await self._composer(empty=False)
        await self.tmux.press(self._pane, "C-u")
        await self._composer(empty=True)

    async def _composer(self, *, empty: bool) -> None:
        for _ in range(1000):
            there = await self.tmux.terminal(self._name, self._pane)
            if there is not None and (there.column == EMPTY_AT) is empty:
                return
            await asyncio.sleep(0.01)
        raise NotMeasured("the agent does not read what was pasted")

    def _size(self) -> int:
        return self._pushes.stat().st_size

    async def _taken_in(self, text: str, before: int) -> float:
        def there() -> float | None:
            return time.monotonic() if self._size() - before > len(text) else None

        ended = await until("the agent has the message", there, every=0.001)
        await until("the agent has ended its turn", lambda: b'"turn_ended"' in self._news(before) or None)
        told = [json.loads(line) for line in self._news(before).splitlines() if b'"prompt"' in line[:40]]
        if [line["text"] for line in told] != [text]:
            raise NotMeasured("the agent was told something else")
        await asyncio.sleep(0.1)  # the service takes the end of the turn in, too
        return ended

    def _news(self, since: int) -> bytes:
        return self._pushes.read_bytes()[since:]
