"""The real agent programs, each in a worktree with a home of its own, talking to a scripted model.

CLAUDE_BIN and CODEX_BIN name the programs; else pinned versions are installed below .agents/ once, with npm.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from runtime import agents, pushes
from runtime.composer import as_terminal_text
from runtime.inbox import same_text
from runtime.launch import LaunchPlace, agent_environment
from runtime.tmux import Tmux
from runtime.typing import Target, Typed, TypingPolicy, type_message
from tests.agents.model import Step, application

INSTALLED = Path(__file__).parents[2] / ".agents"
PACKAGES = {
    "claude-code": ("CLAUDE_BIN", "claude", "@anthropic-ai/claude-code@2.1.329"),
    "codex": ("CODEX_BIN", "codex", "@openai/codex@0.169.0"),
}
PATIENCE = 25.0


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.agents)


def program(name: str) -> Path:
    """The agent's program; installed if need be."""
    variable, command, package = PACKAGES[name]
    if given := os.environ.get(variable):
        return Path(given).resolve()
    found = INSTALLED / "node_modules" / ".bin" / command
    if not found.exists():
        if shutil.which("npm") is None:
            pytest.skip(f"{variable} is not set and there is no npm to install {package} with")
        npm = ["npm", "install", "--prefix", INSTALLED, "--no-audit", "--no-fund", "--loglevel=error", package]
        subprocess.run(npm, check=True)
    return found


@dataclass
class Played:
    """One real agent in its pane, watched as the service watches it."""

    tmux: Tmux
    place: LaunchPlace
    agent: agents.Agent
    pane: str = ""
    first: str = ""
    seen: list[pushes.Push] = field(default_factory=list)
    _offset: int = 0

    def read(self) -> list[pushes.Push]:
        """What was pushed so far, as the adapter understands it."""
        news, self._offset = pushes.read(self.place.pushes, self._offset, now=time.time())
        for push in news:
            meant = self.agent.push_from_hook(push.hook) if isinstance(push, pushes.Hook) else push
            self.seen += [meant] if meant is not None else []
        return self.seen

    async def pushed(self, kind: type[pushes.Push], count: int = 1) -> Any:
        """The `count`-th push of a kind, once it is there."""
        return (await self.until(lambda: [push for push in self.read() if isinstance(push, kind)][count - 1 :]))[0]

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Poll until something holds and return it."""
        end = time.monotonic() + PATIENCE
        while not (value := holds()):
            if time.monotonic() > end:
                pytest.fail(f"not in time; heard {self.seen}; on the screen:\n{await self.tmux.capture(self.pane)}")
            await asyncio.sleep(0.02)
        return value

    async def shows(self, text: str) -> None:
        """Wait until the screen shows a text."""
        end = time.monotonic() + PATIENCE
        while text not in (screen := await self.tmux.capture(self.pane)):
            assert time.monotonic() < end, screen
            await asyncio.sleep(0.05)

    async def answers(self, key: str) -> None:
        """Press a key for a dialog, again while it is open: Codex does not hear one that comes while it draws."""
        end = time.monotonic() + PATIENCE
        while not any(isinstance(push, pushes.Resumed) for push in self.read()):
            assert time.monotonic() < end, await self.tmux.capture(self.pane)
            await self.tmux.press(self.pane, key)
            await asyncio.sleep(1)

    async def quits(self) -> None:
        """Press what makes it exit, again while it is still busy with the end of its turn."""
        end = time.monotonic() + PATIENCE
        while await self.tmux.press(self.pane, *self.agent.quit_keys):
            assert time.monotonic() < end, await self.tmux.capture(self.pane)
            await asyncio.sleep(1)

    async def told(self, text: str) -> Typed:
        """Type a message as the service does; accepted when the agent says so."""
        before, accepted, typed = len(self.read()), asyncio.Event(), as_terminal_text(text)
        policy = TypingPolicy(clear=self.agent.capabilities.clear_keys, waits=(5.0, 5.0, 5.0))
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._accept(typed, before, accepted))
            target = Target(tmux=self.tmux, session=self.place.directory.name, pane=self.pane, may_type=anyway)
            done = await type_message(target, typed, accepted=accepted, policy=policy)
            listening.cancel()
        if done.outcome != "accepted":
            pytest.fail(f"{done}; heard {self.seen[before:]}; on the screen:\n{await self.tmux.capture(self.pane)}")
        return done

    async def _accept(self, text: str, since: int, accepted: asyncio.Event) -> None:
        def there() -> bool:
            return any(isinstance(push, pushes.Prompt) and same_text(push.text, text) for push in self.read()[since:])

        while not there():
            await asyncio.sleep(0.02)
        accepted.set()


async def anyway() -> None:
    """Nothing speaks against typing."""


class Theatre:
    """Where real agents play: a bare repository with worktrees, a home, a tmux server and a model."""

    def __init__(self, root: Path, model: str) -> None:
        self.root, self.tmux, self.model = root, Tmux(root / "tmux"), model
        self.home, self.bin, self.repository = root / "home", root / "bin", root / "repo.git"
        for directory in (self.home, self.bin):
            directory.mkdir()
        self._git(root, "init", "-q", "-b", "main", "source")
        self._git(root / "source", "commit", "-q", "--allow-empty", "-m", "start")
        self._git(root, "clone", "-q", "--bare", "source", "repo.git")

    def _git(self, where: Path, *arguments: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True)

    async def play(self, name: str, prompt: str, *, session: str = "s-1", **wishes: Any) -> Played:
        """Start an agent on a prompt as the service does."""
        if not (self.bin / PACKAGES[name][1]).exists():
            (self.bin / PACKAGES[name][1]).symlink_to(program(name))
        worktree, place, agent = self.root / session, LaunchPlace(self.root / "launch" / session), agents.named(name)
        if not worktree.exists():
            self._git(self.repository, "worktree", "add", "-q", "-b", session, str(worktree), "main")
        place.open()
        env = agent_environment(
            {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, session=session, project="p",
            issue=7, extra=self._keys(), first_on_path=[self.bin],
        )  # fmt: skip
        task = agents.Task(
            session=session, prompt=prompt, worktree=worktree, repository=self.repository, env=env,
            model={"codex": "gpt-5.2-codex"}.get(name), **wishes,
        )  # fmt: skip
        launch = agent.prepare(place, task)
        place.write(launch, worktree=worktree, env=env)
        place.let_go()
        played = Played(self.tmux, place, agent, first=launch.prompt or prompt, _offset=place.pushes.stat().st_size)
        played.pane = await self.tmux.new_session(session, cwd=worktree, argv=place.argv)
        return played

    def _keys(self) -> dict[str, str]:
        return {
            "ANTHROPIC_API_KEY": "sk-ant-made-up-for-these-tests", "ANTHROPIC_BASE_URL": self.model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "OPENAI_API_KEY": "made-up",
            "OPENAI_BASE_URL": f"{self.model}/v1",
        }  # fmt: skip

    def left_running(self) -> list[str]:
        """The command lines of processes that belong to this theatre."""
        found = []
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = cmdline.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.root) in command:
                found.append(command)
        return found


@pytest.fixture
async def model():
    """Returns a function that starts a model on steps and returns its address."""
    runners = []

    async def start(steps: list[Step]) -> str:
        runners.append(web.AppRunner(application(steps), shutdown_timeout=1))
        await runners[-1].setup()
        await (site := web.TCPSite(runners[-1], "127.0.0.1", 0)).start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return f"http://127.0.0.1:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def theatre(model):
    """Returns a function that opens a theatre whose model plays steps."""
    opened = []

    async def open_one(steps: list[Step]) -> Theatre:
        opened.append(Theatre(Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp")), await model(steps)))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.tmux.kill_server()
        one.tmux.close()
        end = time.monotonic() + 30
        while left := one.left_running():
            assert time.monotonic() < end, left
            await asyncio.sleep(0.05)
        shutil.rmtree(one.root, ignore_errors=True)
