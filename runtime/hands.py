"""What sessions are worked with: the doors to the store, tmux, git, agents and the forge, passed down from the top."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.agents import Agent
from runtime.clock import Clock
from runtime.launch import LaunchPlace
from runtime.ports import Forge
from runtime.project import Limits, Project
from runtime.pushes import Wake
from runtime.store.store import Store
from runtime.tmux import Tmux
from runtime.typing import TypingPolicy
from runtime.workspaces import Workspaces


@dataclass(frozen=True)
class Patience:
    """How long the service waits in small things; seconds. Tests bring shorter ones."""

    probe_every: float = 5.0
    after_restart: float = 1.0
    """How long a message that was being typed when the service died may still be reported as taken in."""
    send_attempts: int = 3
    quit: float = 1.0
    """How long an idle agent may take to exit by itself before its terminal is hung up."""
    hang_up: float = 3.0
    """How long what ran in a terminal may take to end by itself when that is hung up."""
    when_refused: float = 0.2
    """How long a message that may not be typed now is left alone when nothing else happens."""
    people_first: float = 2.0
    """How long before it is looked again whether a person still types in the terminal."""
    confirm_key: float = 5.0
    """How long an agent may take to say what came of a key."""
    typing: TypingPolicy = field(default_factory=TypingPolicy)


@dataclass(frozen=True)
class Hands:
    """Everything a keeper acts with."""

    store: Store
    tmux: Tmux
    workspaces: Workspaces
    agents: Callable[[str], Agent]
    forge: Forge
    projects: Mapping[str, Project]
    limits: Limits
    launch_root: Path
    environment: Mapping[str, str]
    open_gate: Callable[[str], Awaitable[None]]
    close_gate: Callable[[str], Awaitable[None]]
    wake: Wake
    clock: Clock
    patience: Patience = field(default_factory=Patience)

    def gate(self, session_id: str) -> Path:
        """Return the bare repository that a session's agent pushes to."""
        return self.launch_root / session_id / "gate.git"

    def listen(self, session_id: str) -> None:
        """Listen to what a session's agent pushes; listening again is harmless."""
        self.wake.watch(session_id, self.place(session_id).wake)

    def place(self, session_id: str) -> LaunchPlace:
        """Return the directory that a session's agent is launched from."""
        return LaunchPlace(self.launch_root / session_id)
