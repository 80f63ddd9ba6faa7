"""Looks now and then whether the terminals are still there; only repeated, certain absence counts as a loss."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from runtime.errors import TmuxUnavailable
from runtime.facts import Process
from runtime.hands import Hands
from runtime.look import Look, look
from runtime.panes import Pane
from runtime.processes import has_ended
from runtime.store import facts, messages, sessions
from runtime.store.tx import Tx

log = logging.getLogger(__name__)

OUTAGE_FROM = 5


class Watch:
    """One `list-panes` every few seconds for all sessions together."""

    def __init__(self, hands: Hands, *, has_ended: Callable[[Process | None], bool] = has_ended) -> None:
        self._hands = hands
        self._has_ended = has_ended
        self._missing: dict[str, float] = {}

    async def run(self) -> None:
        """Probe for ever."""
        while True:
            await asyncio.sleep(self._hands.patience.probe_every)
            try:
                await self.probe()
            except TmuxUnavailable as exc:
                log.warning("tmux did not answer", extra={"error": str(exc)})

    async def probe(self) -> None:
        """Compare the live sessions with tmux's panes once, and store what is certain.

        Many terminals missing at once are an outage of tmux, from which no death is concluded; only agents whose
        processes are missing too are gone, as after a restart of the machine.
        """
        started = self._hands.store.read(partial(sessions.with_step, step=facts.SPAWNED))
        if not started:
            return
        panes = await self._hands.tmux.panes()
        if all(name in panes and not panes[name].dead for name in started):
            return self._missing.clear()
        expected = self._expected(started)
        gone = [seen for seen in expected if seen.session.id not in panes]
        self._missing = {name: since for name, since in self._missing.items() if name not in panes}
        if len(gone) >= OUTAGE_FROM and len(gone) * 2 > len(expected):
            log.error("many terminals are missing at once", extra={"missing": len(gone), "expected": len(expected)})
            gone = [seen for seen in gone if self._has_ended(seen.facts.process)]
        for seen in gone:
            await self._gone(seen)
        for seen in expected:
            pane = panes.get(seen.session.id)
            if pane is not None and pane.dead:
                await self._dead(seen, pane)

    def _expected(self, started: set[str]) -> list[Look]:
        looks = [self._hands.store.read(partial(look, session_id=name)) for name in sorted(started)]
        return [seen for seen in looks if seen is not None and seen.session.live and seen.agent_runs]

    async def _gone(self, seen: Look) -> None:
        name, now = seen.session.id, self._hands.clock()
        since = self._missing.setdefault(name, now)
        if now - since >= self._hands.projects[seen.session.project].times.death_confirm:
            del self._missing[name]
            await self._learn(name, Process(at=now, state="lost"), "its terminal is gone")

    async def _dead(self, seen: Look, pane: Pane) -> None:
        fact = Process(at=self._hands.clock(), state="exited", exit_code=pane.exit_code, signal=pane.signal)
        await self._learn(seen.session.id, fact, "the agent's process has ended")

    async def _learn(self, name: str, fact: Process, why: str) -> None:
        def job(tx: Tx) -> None:
            facts.learn(tx, name, fact, source="tmux")
            messages.fail_waiting(tx, name, why)

        await self._hands.store.write(job)
