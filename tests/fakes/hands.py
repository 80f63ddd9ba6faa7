"""What keepers act with, where nothing outside the process is touched; what was asked for is noted in `did`."""

from pathlib import Path
from typing import Any

from runtime.agents import Capabilities
from runtime.hands import Hands, Patience
from runtime.launch import Launch
from runtime.panes import Pane, Paste, Terminal
from runtime.project import Limits
from runtime.workspaces import NumberTaken
from tests.fakes.bot import Bot

QUICK = Patience(probe_every=0.01, after_restart=0.01, when_refused=0.001)


async def nothing_beside(environment: Any) -> None:
    """What is done beside a checkout where nothing has to be."""


class FakeTmux:
    """Panes by session; `broken` is raised by every command."""

    def __init__(self, did: list[str]) -> None:
        self.did, self.alive, self.broken = did, {}, None
        self.screens: dict[str, str] = {}

    def pane(self, name: str, *, dead: bool = False, code: int | None = None, signal: int | None = None) -> None:
        self.alive[name] = Pane(f"%{len(self.alive)}", 1, dead, code, signal, False, "sh")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if self.broken is not None:
            raise self.broken

    async def new_session(self, name: str, *, cwd: Path, argv: Any) -> str:
        self._do(f"new_session {name}")
        self.pane(name)
        return self.alive[name].pane_id

    async def panes(self) -> dict[str, Pane]:
        if self.broken is not None:
            raise self.broken
        return dict(self.alive)

    async def kill_session(self, name: str) -> None:
        self._do(f"kill_session {name}")
        self.alive.pop(name, None)

    async def capture(self, pane: str, *, lines: int = 0) -> str:
        return self.screens.get(pane, "")

    async def terminal(self, name: str, pane: str) -> Terminal:
        return Terminal(None, 9, "", self.screens.get(pane, ""))

    async def press(self, pane: str, *keys: str) -> bool:
        self.did.append(f"press {' '.join(keys)}")
        return True

    async def press_if(self, still: Any, pane: str, *keys: str, place: str | None = None) -> str:
        self.did.append(f"press {' '.join(keys)}")
        return "pressed"

    async def paste(self, pane: str, text: str, *, before: Any = (), after: Any = (), unless: Any = None,
                    still: Any = None) -> Paste:  # fmt: skip
        self._do(f"paste {text}")
        before = self.screens.get(pane, "")
        self.screens[pane] = f"{before}\n> {text}"
        return Paste("pasted", before)


class FakeRepository:
    """A repository in which every branch is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def resolve(self, ref: str) -> str | None:
        return "t" * 40


class FakeWorkspaces:
    """Worktrees that are only names; `broken` is raised when one is opened, `stuck` when one is closed."""

    def __init__(self, root: Path, did: list[str]) -> None:
        self.root, self.did, self.kept = root, did, ""
        self.broken: Exception | None = None
        self.stuck: Exception | None = None
        self.elsewhere: Path | None = None
        self.crowded: str | None = None
        self.missing: Exception | None = None
        self.taken: set[str] = set()

    def checked_out_in(self, project: Any, branch: str) -> Path | None:
        return self.elsewhere

    async def no_room(self, project: Any, branch: str, *, is_there: bool) -> str | None:
        return self.crowded

    def worktree(self, session: Any) -> Path:
        return self.root / session.id

    def repository(self, session: Any) -> Any:
        return FakeRepository(self.root / "repo.git")

    async def open(self, session: Any, gate: Path, *, beside: Any) -> tuple[str, dict[str, str], Any]:
        self.did.append(f"open {session.id}")
        if session.branch in self.taken:
            raise NumberTaken(f"there is a branch {session.branch}")
        if self.broken is not None:
            raise self.broken
        environment = {"GIT_TRACE": "0"}
        return "b" * 40, environment, await beside(environment)

    async def preserve(self, session: Any, pushed: list[str]) -> str | None:
        self.did.append(f"preserve {session.id}")
        return self.kept or None

    async def tip(self, session: Any, *, merged: bool, pushed: bool) -> str:
        if self.missing is not None:
            raise self.missing
        return "t" * 40

    async def reopen(self, session: Any, gate: Path, *, merged: bool, pushed: bool) -> tuple[dict[str, str], str]:
        self.did.append(f"reopen {session.id}")
        if self.broken is not None:
            raise self.broken
        return {"GIT_TRACE": "0"}, self.kept

    async def close(self, session: Any, *, merged: bool) -> str:
        self.did.append(f"close {session.id} merged={merged}")
        if self.stuck is not None:
            raise self.stuck
        return ""


class FakeAgent:
    name = "scripted"
    capabilities = Capabilities()
    quit_keys = ("C-c",)

    def installed(self, path: str) -> str:
        return "true"

    def prepare(self, place: Any, task: Any) -> Launch:
        return Launch(argv=("true",))

    def remembers(self, place: Any, env: Any, own: str) -> bool:
        return own != "forgotten"

    def own_session_id(self, hook: dict[str, Any]) -> None:
        return None

    def push_from_hook(self, hook: dict[str, Any]) -> None:
        return None


class FakeWake:
    def __init__(self, did: list[str]) -> None:
        self.did = did

    def watch(self, session: str, path: Path) -> bool:
        self.did.append(f"watch {session}")
        return True

    def unwatch(self, session: str) -> None:
        self.did.append(f"unwatch {session}")


class Deeds:
    """The hands of one bot, and what they did."""

    def __init__(self, bot: Bot, root: Path, **changed: Any) -> None:
        self.did: list[str] = []
        self.tmux, self.workspaces = FakeTmux(self.did), FakeWorkspaces(root / "worktrees", self.did)

        async def open_gate(name: str) -> None:
            self.did.append(f"open_gate {name}")

        async def close_gate(name: str) -> None:
            self.did.append(f"close_gate {name}")

        known: dict[str, Any] = {
            "store": bot.store, "tmux": self.tmux, "workspaces": self.workspaces, "agents": lambda _: FakeAgent(),
            "forge": bot.forge, "projects": bot.projects, "limits": Limits(), "launch_root": root / "launch",
            "environment": {"PATH": "/bin"}, "open_gate": open_gate, "close_gate": close_gate,
            "wake": FakeWake(self.did), "clock": bot.clock, "patience": QUICK,
        }  # fmt: skip
        self.hands = Hands(**{**known, **changed})
