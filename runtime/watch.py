"""Looks now and then whether the terminals and processes are still there; unknown is never taken for dead."""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping

import msgspec
import sqlalchemy as sa

from runtime.errors import TmuxUnavailable
from runtime.facts import Process
from runtime.hands import Hands
from runtime.ingest import ingest
from runtime.judging.probes import Sight, Terminal, fine, lost, next_probe
from runtime.outage import GONE, MISSING, OUTAGE_FROM, SILENT, News, Outage, agents
from runtime.panes import Pane
from runtime.probe import Probe
from runtime.processes import Life, life
from runtime.store import facts, messages, sessions
from runtime.store.tx import Tx
from runtime.store.watched import Watched, watched

log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look has found out about one session."""

    of: Watched
    sight: Sight
    probe: Probe | None = None
    """What is new about it."""


class Watch:
    """One `list-panes` every few seconds for all sessions together."""

    def __init__(self, hands: Hands, *, life: Callable[[Process | None], Life] = life) -> None:
        self._hands = hands
        self._life = life
        self._outage = Outage()
        self._shown: set[str] = set()
        self._silent = 0
        self._looked_at = 0.0

    async def run(self) -> None:
        """Probe for ever, the first time at once."""
        while True:
            try:
                await self.probe()
            except Exception:  # one look that fails must not stop the service
                log.exception("terminals not looked for")
            await asyncio.sleep(self._hands.patience.probe_every)

    async def probe(self) -> None:
        """Compare the sessions with tmux's panes and the kernel's processes once, and store what is new.

        Many terminals missing at once are an outage of tmux, and so is a tmux that does not answer; no death is
        concluded from it, only from processes that are certainly gone as well.
        """
        projects = self._hands.projects
        expected = [one for one in self._hands.store.read(watched) if one.project in projects]
        if not expected and not self._shown:
            return
        self._looked_at = self._hands.clock()
        panes = await self._panes()
        if panes is None and (self._silent < 2 or not expected):
            return  # a hiccup changes nothing
        alive = [one for one in expected if one.process is None or one.process.state != "exited"]
        seen = [Seen(of=one, sight=self._sight(one, panes)) for one in alive if not _is_dead(one, panes)]
        live = [look for look in seen if look.of.live]
        missing = [look for look in live if look.sight.terminal == "missing" and self._counts(look)]
        many = len(missing) >= OUTAGE_FROM and len(missing) * 2 > len(live)
        outage = MISSING.format(missing=len(missing), expected=len(live)) if many else ""
        looks = [look for one in seen if (look := self._compared(one, many)) is not None]
        gone = [look for look in looks if self._is_lost(look, many)]
        news = self._outage.look(
            SILENT if panes is None else outage,
            missing=[look.of.name for look in missing], shown=panes or {}, lost=len(gone),
        )  # fmt: skip
        await self._commit(looks, gone, news)
        if panes is None:
            return
        for one in alive:
            if (pane := panes.get(one.name)) is not None and pane.dead:
                await self._end(one, pane)
        await self._miss_tmux(panes, {one.name for one in expected if one.live})

    async def _panes(self) -> Mapping[str, Pane] | None:
        """Return tmux's panes, or None when it does not answer."""
        try:
            panes = await self._hands.tmux.panes()
        except TmuxUnavailable as exc:
            self._silent += 1
            log.debug("tmux did not answer", extra={"error": str(exc)})
            return None
        self._silent = 0
        return panes

    def _sight(self, one: Watched, panes: Mapping[str, Pane] | None) -> Sight:
        terminal: Terminal = "unknown" if panes is None else "alive" if one.name in panes else "missing"
        return Sight(terminal=terminal, process=self._life(one.process))

    def _counts(self, look: Seen) -> bool:
        """Tell whether it may be held against the session; not while it starts, nor once it is taken for lost."""
        if fine(look.sight):
            return True
        grace = self._hands.projects[look.of.project].times.spawn_grace
        return look.of.live and self._hands.clock() >= look.of.spawned_at + grace

    def _compared(self, look: Seen, outage: bool) -> Seen | None:
        """Return the look with what is new about it, or None when nothing is and nothing more follows from it."""
        if not self._counts(look):
            return None
        probe = next_probe(look.of.probe, look.sight, self._hands.clock(), outage=outage)
        if not look.of.live and probe is None and fine(look.sight):
            probe = Probe(at=self._hands.clock(), terminal="alive", process=look.sight.process, detail=str(look.sight))
        return None if probe is None and fine(look.sight) else msgspec.structs.replace(look, probe=probe)

    async def _commit(self, looks: list[Seen], gone: list[Seen], news: News | None) -> None:
        for look in gone:  # it may have told how it ended
            name = look.of.name
            await ingest(self._hands.store, name, self._hands.place(name).pushes, self._hands.agents)
        changed = [look for look in looks if look.probe is not None]
        if not (changed or gone or news):
            return
        if news:
            log.log(logging.ERROR if news.bad else logging.INFO, news.text)

        def job(tx: Tx) -> None:
            if news:
                tx.record("outage", news.text, level=None if news.bad else "info")
            for look in changed:
                _learn_probe(tx, look)
            for look in gone:
                _learn_loss(tx, look, self._looked_at)

        await self._hands.store.write(job)

    def _is_lost(self, look: Seen, outage: bool) -> bool:
        probe = look.probe or look.of.probe
        if probe is None or fine(look.sight) or (outage and not look.sight.certain):
            return False
        return lost(probe, self._hands.clock(), self._hands.projects[look.of.project].times)

    async def _end(self, one: Watched, pane: Pane) -> None:
        """Take in how a process ended: by its own word if it left one, else by tmux's."""
        await ingest(self._hands.store, one.name, self._hands.place(one.name).pushes, self._hands.agents)
        now = self._hands.clock()
        run = one.process.run if one.process else ""
        fact = Process(at=now, state="exited", run=run, exit_code=pane.exit_code, signal=pane.signal)
        why, looked_at = "the agent's process has ended", self._looked_at
        await self._hands.store.write(lambda tx: _learn_end(tx, one.name, fact, why, looked_at))

    async def _miss_tmux(self, panes: Mapping[str, Pane], live: set[str]) -> None:
        """Say that tmux has gone if it shows nothing any more and agents that it showed were hung up.

        An agent that dies otherwise leaves its terminal. It is said once none of those it showed is live any more.
        """
        if panes:
            self._shown = live & panes.keys()
        if panes or self._shown & live:
            return
        shown, self._shown = self._shown, set()
        hung_up = self._hands.store.read(lambda sql: sum(_was_hung_up(sql, name) for name in shown))
        if hung_up:
            said = GONE.format(agents=agents(hung_up))
            log.error(said)
            await self._hands.store.write(lambda tx: tx.record("outage", said))


def _was_hung_up(sql: sa.Connection, name: str) -> bool:
    session, process = sessions.get(sql, name), facts.of_session(sql, name, 0.0).process
    died = session is not None and session.announced_reason == "agent_process_exited"
    return died and process is not None and process.signal == signal.SIGHUP


def _is_dead(one: Watched, panes: Mapping[str, Pane] | None) -> bool:
    return panes is not None and one.name in panes and panes[one.name].dead


def _learn_probe(tx: Tx, look: Seen) -> None:
    assert look.probe is not None  # noqa: S101 - only such looks are kept
    facts.learn(tx, look.of.name, look.probe, source="tmux")


def _learn_loss(tx: Tx, look: Seen, looked_at: float) -> None:
    known = look.of.process or Process(state="running")
    fact = msgspec.structs.replace(known, at=tx.now, state="lost", detail=str(look.sight))
    _learn_end(tx, look.of.name, fact, str(look.sight), looked_at)


def _learn_end(tx: Tx, name: str, fact: Process, why: str, looked_at: float) -> None:
    """Store an end, unless the session was brought back since it was looked for."""
    restored = facts.of_session(tx.sql, name, 0.0).restored
    if restored is not None and restored.at >= looked_at:
        return
    if facts.learn(tx, name, fact, source="tmux"):
        messages.fail_waiting(tx, name, why)
