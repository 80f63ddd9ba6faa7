"""A service with a few made-up sessions behind the real interface, on a real socket."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvicorn

from bot.api.app import private_app
from bot.api.claims import Claimed as ClaimedPr
from bot.api.claims import ClaimedPull
from bot.api.cleanups import CleanedUp
from bot.api.deliveries import DeliveryDetail, DeliveryView, HandlerRun
from bot.api.explain import Explanation
from bot.api.listen import bind
from bot.api.messages import Decided, Interrupted, MessageView, QuestionView, Sent
from bot.api.operation import Unknown
from bot.api.orchestrators import Orchestrator
from bot.api.port import Figure, ProjectStatus, ServiceStatus
from bot.api.records import RecordView
from bot.api.restores import Restored
from bot.api.sessions import Killed
from bot.api.spawns import Outcome, Spawned
from bot.api.words import Remapped, Reported, ReportLine
from runtime.errors import StoreBusy, UserError, WrongUse
from runtime.view import SessionView

LONG_AGO = "2020-01-01T00:00:00Z"


def session(name: str, **changed: object) -> SessionView:
    known = SessionView(
        name=name,
        branch=f"ao/{name}",
        status="working",
        pr_number=None,
        ci_status="none",
        review_decision="none",
        pending_threads=None,
        activity="active",
        last_activity=LONG_AGO,
        id=name,
        project_id="my-app",
        issue_id="1",
        pr_url=None,
        agent="scripted",
        title="Add a greeting",
        summary="Add a greeting",
        reason="task_in_progress",
        created_at=LONG_AGO,
        ended_at=None,
        workspace_path=f"/data/worktrees/{name}",
        attach_command=f"tmux -S /data/tmux attach -t {name}",
    )
    return msgspec.structs.replace(known, **changed)


def delivery(guid: str, **changed: object) -> DeliveryView:
    known = DeliveryView(
        guid=guid, event="issues", action="labeled", state="done", received_at=LONG_AGO, attempts=1, session_key="o/r#1"
    )
    return msgspec.structs.replace(known, **changed)


class FakeService:
    """Keeps what it was asked in `asked`; tests fill the rest."""

    def __init__(self) -> None:
        self.rows: list[SessionView] = []
        self.journal: list[DeliveryView] = []
        self.trail: list[RecordView] = []
        self.configured = [ProjectStatus(id="my-app", repo="o/my-app")]
        self.outcome = "processing"
        self.outcomes: list[Outcome] = []
        self.issue: str | None = None
        self.claimed: str | None = None
        self.reasons: list[str] = []
        self.busy = False
        self.left: str | None = None
        self.choices = ["this once", "always"]
        self.asked: list[tuple[object, ...]] = []
        self.restored = Restored(
            name="", branch="", workspace_path="/data/worktrees/app-4", attach_command="tmux attach", resumed=False,
            restore_fallback_reason="scripted has no record of it",
        )  # fmt: skip
        self.claim = ClaimedPr(
            session_id="", project_id="my-app", pr=ClaimedPull(number=12, url="https://gh/pull/12", title="Greet"),
            branch="feature", branch_changed=True, github_assigned=True, taken_over_from=["app-2", "app-3"],
        )  # fmt: skip
        self.cleaned = CleanedUp(dry_run=False, killed=[], skipped=[], errors=[])
        self.sessions = FakeSessions(self)
        self.spawns = FakeSpawns(self)
        self.restores = FakeRestores(self)
        self.cleanups = FakeCleanups(self)
        self.claims = FakeClaims(self)
        self.messages = FakeMessages(self)
        self.words = FakeWords(self)
        self.orchestrators = FakeOrchestrators(self)
        self.deliveries = FakeDeliveries(self)
        self.records = FakeRecords(self)
        self.explanations: dict[str, Explanation] = {}
        self.why = FakeWhy(self)

    def projects(self):
        return self.configured

    def status(self):
        dead = sum(row.state == "dead" for row in self.journal)
        return ServiceStatus(
            version="0.1.0",
            pid=1,
            started_at=LONG_AGO,
            projects=self.projects(),
            live_sessions=len(self.rows),
            open_deliveries=0,
            dead_deliveries=dead,
        )

    async def not_ready(self):
        return self.reasons

    def figures(self):
        yield Figure(name="ao_sessions", help="Sessions by status.", value=2, labels={"status": "working"})
        yield Figure(name="ao_sessions", help="Sessions by status.", value=1, labels={"status": "idle"})
        yield Figure(name="ao_deliveries", help="Deliveries accepted.", value=5, kind="counter")


class FakePart:
    """One group of the interface."""

    def __init__(self, service: FakeService) -> None:
        self.service = service


class FakeSessions(FakePart):
    def listing(self, *, project, ended):
        rows = [row for row in self.service.rows if project in (None, row.project_id)]
        live = [row for row in rows if ended or row.ended_at is None]
        return live, len(rows) - len(live)

    def get(self, name):
        if found := [row for row in self.service.rows if row.name == name]:
            return found[0]
        raise Unknown(f"Session '{name}' does not exist. List them with: ao session ls")

    async def kill(self, name, *, reason, by):
        self.service.asked.append(("kill", name, reason, by))
        row = self.get(name)
        return Killed(
            already_terminated=row.ended_at is not None,
            preserved=f"refs/ao/preserved/{name}/1",
            repository="/data/repos/o/app.git",
            left=self.service.left,
        )


class FakeRestores(FakePart):
    async def restore(self, name, *, force, by):
        self.service.asked.append(("restore", name, force, by))
        row = self.service.sessions.get(name)
        if row.ended_at is None:
            raise UserError(f"Cannot restore: {name} is live.")
        return msgspec.structs.replace(self.service.restored, name=name, branch=row.branch)


class FakeClaims(FakePart):
    async def claim(self, name, pull, *, assign, by):
        self.service.asked.append(("claim", name, pull, assign, by))
        self.service.sessions.get(name)
        return msgspec.structs.replace(self.service.claim, session_id=name)


class FakeCleanups(FakePart):
    async def cleanup(self, *, project, dry_run, by):
        self.service.asked.append(("cleanup", project, dry_run, by))
        return msgspec.structs.replace(self.service.cleaned, dry_run=dry_run)


class FakeSpawns(FakePart):
    """Spawns `app-5` for anything; `outcome` says how that goes."""

    async def spawn(self, wanted):
        self.service.asked.append(("spawn", wanted))
        if wanted.project == "x":
            raise WrongUse("There is no project 'x'; there are: my-app.")
        return self._spawned("app-5", wanted.issue)

    async def spawn_many(self, wanted):
        self.service.asked.append(("spawn_many", wanted))
        return self.service.outcomes

    async def started(self, name, *, patience):
        if self.service.outcome == "gone":
            raise UserError(f"{name} could not start. Step `launch` failed: no script")
        return self._spawned(name, self.service.issue)

    def _spawned(self, name, issue):
        outcome = self.service.outcome
        return Spawned(
            id=name, project_id="my-app", issue_id=issue, branch=f"ao/{name}", agent="scripted",
            state=outcome if outcome in ("queued", "starting") else "spawned",
            queue_position=2 if outcome == "queued" else 0, claimed_url=self.service.claimed,
            attach_command="attach" if outcome == "processing" else None,
        )  # fmt: skip


class FakeMessages(FakePart):
    async def send(self, name, text, *, author, wait, patience, key, expires=None):
        self.service.sessions.get(name)
        self.service.asked.append(("send", name, text, author, wait, patience))
        if self.service.busy:
            raise StoreBusy("the journal cannot be written now", after=2)
        if self.service.outcome == "gone":
            raise UserError(f"The agent of {name} has ended. Label its issue again.")
        if self.service.outcome == "never":
            await asyncio.Event().wait()
        if self.service.outcome == "broken":
            raise RuntimeError("a secret detail")
        reason = {"queued": "session finishing previous task", "failed": "the agent's process has ended"}
        restored = self.service.outcome == "failed"
        said = reason.get(self.service.outcome, "")
        return Sent(message_id=7, result=self.service.outcome, reason=said, restored=restored)

    def listing(self, name):
        self.service.sessions.get(name)
        return [
            MessageView(
                id=7, kind="person", author="me", state="answered", evidence="the turn ended", text="Go on.",
                created_at=LONG_AGO, changed_at=LONG_AGO, attempts=1,
            )
        ]  # fmt: skip

    async def interrupt(self, name, text, *, author, key):
        self.service.sessions.get(name)
        self.service.asked.append(("interrupt", name, text, author))
        idle = self.service.outcome == "idle"
        return Interrupted(result="idle" if idle else "interrupted", message_id=8 if text else None)

    def question(self, name):
        self.service.sessions.get(name)
        if self.service.outcome == "idle":
            raise UserError(f"{name} asks nothing now: `ao status` shows what it does")
        return QuestionView(id="0123", text="May I?\x1b[2J", choices=self.service.choices, asked_at=LONG_AGO)

    async def decide(self, name, question, *, allow, choice, why, author):
        self.service.sessions.get(name)
        self.service.asked.append(("decide", name, question, allow, choice, why, author))
        answer = ["this once", "always"][(choice or 1) - 1] if allow else ""
        return Decided(question="May I?", allowed=allow, answer=answer, message_id=9 if why else None)


class FakeWords(FakePart):
    def __init__(self, service):
        super().__init__(service)
        self.own_id: str | None = "01K-own"

    async def report(self, name, state, note):
        self.service.asked.append(("report", name, state, note))
        if state == "done":
            raise UserError("Report rejected: done is concluded")
        if state == "asleep":
            raise WrongUse("Unknown state: asleep. Report one of: working")
        return Reported(accepted=True, text=f"✓ {name} {f'reported {state}' if state else 'acknowledged'} (a → b)")

    def reports(self, name, *, limit):
        self.service.asked.append(("reports", name, limit))
        known = {"session_id": "app-1", "note": "", "accepted": True, "reason": "", "pr": None, "source": "push"}
        rejected = {"accepted": False, "reason": "done is concluded", "note": "all \x1b[2Jgreen", "pr": 12}
        return [
            ReportLine(**known, at=LONG_AGO, what="acknowledge", state="", before="", after="working"),
            ReportLine(**{**known, **rejected}, at=LONG_AGO, what="report", state="done", before="a", after="a"),
        ]  # fmt: skip

    async def rename(self, name, display_name):
        row = self.service.sessions.get(name)
        return msgspec.structs.replace(row, display_name=display_name or row.title)

    async def remap(self, name, *, force):
        self.service.asked.append(("remap", name, force))
        if self.own_id is None and force:
            raise UserError(f"The agent of {name} keeps no session id of its own.")
        return Remapped(agent_session_id=self.own_id or "known", before="known", found=self.own_id is not None)


class FakeOrchestrators(FakePart):
    def get(self, project):
        if found := [row for row in self.service.rows if row.name.endswith("-orchestrator")]:
            return found[0]
        raise Unknown(f"Project {project} has no orchestrator yet. Start it with: ao orchestrator start -p {project}")

    async def start(self, project, *, fresh, by):
        self.service.asked.append(("start", project, fresh))
        done = "nothing" if self.service.rows else "started"
        self.service.rows = self.service.rows or [session("app-orchestrator")]
        return Orchestrator(session=self.get(project), done=done)

    async def relaunch(self, project, *, by):
        self.service.asked.append(("relaunch", project))
        return Orchestrator(session=self.get(project), done="relaunched")


class FakeDeliveries(FakePart):
    def listing(self, *, state, limit):
        return [row for row in self.service.journal if state in (None, row.state)][:limit]

    def get(self, guid):
        if found := [row for row in self.service.journal if row.guid == guid]:
            runs = [HandlerRun(handler="issues.spawn_for_label", done_at=LONG_AGO)]
            payload = {"action": "labeled"}
            return DeliveryDetail(delivery=found[0], handlers=runs, records=self.service.trail, payload=payload)
        raise Unknown(f"There is no delivery {guid}. List them with: ao deliveries ls")

    async def replay(self, guid, *, force):
        self.service.asked.append(("replay", guid, force))
        return self.get(guid).delivery


class FakeWhy(FakePart):
    async def explain(self, name, *, limit):
        self.service.asked.append(("explain", name, limit))
        if name in self.service.explanations:
            return self.service.explanations[name]
        raise Unknown(f"There is no session or delivery {name}")


class FakeRecords(FakePart):
    over = False

    async def listing(self, want, *, text, limit):
        self.check(want)
        wanted = [row for row in reversed(self.service.trail) if _wanted(row, want)]
        found = [row for row in wanted if all(word in row.summary for word in text.split())]
        return found[:limit]

    async def counted(self, want):
        return dict(Counter(row.kind for row in self.service.trail if _wanted(row, want)).most_common())

    def check(self, want):
        self.service.asked.append(("records", *(value for value in msgspec.structs.astuple(want) if value is not None)))
        if want.kind == "nonsense":
            raise WrongUse("There is no kind 'nonsense'; there are: fact.")

    def after(self, id, want, *, limit):
        rows = [row for row in self.service.trail if row.id > id]
        return [row for row in rows if _wanted(row, want)][:limit], rows[-1].id if rows else id

    def start(self, want):
        return 0 if want.since else self.newest()

    def newest(self):
        return self.service.trail[-1].id if self.service.trail else 0

    async def changed(self, *, after):
        self.service.asked.append(("follow", after))
        while self.newest() <= after and not self.over:
            await asyncio.sleep(0.01)


def _wanted(row, want):
    return want.session in (None, row.session_id) and want.kind in (None, row.kind)


def record(number: int, **changed: object) -> RecordView:
    known = RecordView(id=number, at=LONG_AGO, kind="session.spawned", session_id="app-1", summary="app-1 has started")
    return msgspec.structs.replace(known, **changed)


@contextlib.contextmanager
def running(service: FakeService, data_dir: Path) -> Iterator[None]:
    """Serve on `<data dir>/ao.sock` from a thread until the block ends."""
    listener = bind(data_dir / "ao.sock")
    config = uvicorn.Config(private_app(service), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
