"""Says what became true: compares the judged status of each touched session with the one last announced."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runtime import children, queue, reports, revival
from runtime.changes import StatusChanged
from runtime.facts import Facts
from runtime.project import Project
from runtime.sessions import Session
from runtime.status import ENDED, Judgement, Status, judge
from runtime.store import facts as fact_rows
from runtime.store import messages, sessions
from runtime.store.tx import Tx

_LEVELS = {Status.ERRORED: "error", Status.STUCK: "warning", Status.NEEDS_INPUT: "warning"}

Story = Callable[[Any, Tx, Project], None]
"""An outbound story: it adds rows to the transaction that made the change, and nothing else."""


class Announcer:
    """Runs before each commit; the only writer of announced statuses."""

    def __init__(
        self, projects: Mapping[str, Project], stories: Mapping[type, Sequence[Story]], *, edit_interval: float = 0.0
    ) -> None:
        self._projects = projects
        self._stories = stories
        self._edit_interval = edit_interval

    def __call__(self, tx: Tx) -> None:
        """Announce each touched session's status if it changed, then tell the outbound stories."""
        judged: set[str] = set()
        while touched := sorted(tx.touched - judged):  # an end touches the children
            judged |= set(touched)
            for name in touched:
                session = sessions.get(tx.sql, name)
                if session is not None and session.project in self._projects:
                    self._announce(tx, session)
        if "sessions" in tx.topics:  # one was claimed, has ended or came back
            queue.move(tx, self._projects)
        tx.edit_interval = self._edit_interval
        for change in tx.changes:
            if (project := self._projects.get(change.session.project)) is not None:
                for story in self._stories.get(type(change), ()):
                    story(change, tx, project)

    def _announce(self, tx: Tx, session: Session) -> None:
        facts, judged = self._judged(tx, session)
        if not session.live and judged.status not in ENDED:
            revival.revive(tx, session)
            facts, judged = self._judged(tx, session)
            session = sessions.get(tx.sql, session.id) or session
        tx.wake(session.id)
        due = [at for at in (judged.recheck_at, reports.watch(tx, session, facts)) if at is not None]
        sessions.change(tx, session.id, recheck_at=min(due, default=None))
        if (judged.status, judged.reason) == (session.announced_status, session.announced_reason):
            return
        self._write(tx, session, judged)
        now = sessions.get(tx.sql, session.id) or session
        tx.changes.append(StatusChanged(session=now, facts=facts, before=session.announced_status, judgement=judged))

    def _judged(self, tx: Tx, session: Session) -> tuple[Facts, Judgement]:
        facts = fact_rows.of_session(tx.sql, session.id, session.created_at)
        return facts, judge(facts, tx.now, self._projects[session.project].times)

    @staticmethod
    def _write(tx: Tx, session: Session, judged: Judgement) -> None:
        sessions.change(
            tx, session.id, announced_status=judged.status.value, announced_reason=judged.reason, announced_at=tx.now
        )
        tx.record(
            "transition", f"{session.id}: {session.announced_status or 'new'} → {judged.status} ({judged.reason})",
            session_id=session.id, level=_LEVELS.get(judged.status), before=session.announced_status,
            after=judged.status.value, reason=judged.reason, evidence=judged.evidence,
        )  # fmt: skip
        if session.live and judged.status in ENDED:
            sessions.change(tx, session.id, live=False, ended_at=tx.now)
            messages.fail_waiting(tx, session.id, f"the session has ended: {judged.reason}")
            children.has_ended(tx, session, judged)
            tx.wake("sessions")
