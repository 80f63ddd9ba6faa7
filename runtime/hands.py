"""What sessions are worked with: the doors to the store, tmux, git, agents and the forge, passed down from the top."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.agents import Agent
from runtime.clock import Clock
from runtime.launch import LaunchPlace
from runtime.ports import Forge
from runtime.project import Limits, Project
from runtime.store.store import Store
from runtime.tmux import Tmux
from runtime.workspace import Workspaces


@dataclass(frozen=True)
class Patience:
    """How long the service waits in small things; seconds. Tests bring shorter ones."""

    probe_every: float = 5.0
    after_restart: float = 1.0
    """How long a message that was being typed when the service died may still be reported as taken in."""
    send_attempts: int = 3


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
    watch: Callable[[str], None]
    unwatch: Callable[[str], None]
    clock: Clock
    patience: Patience = field(default_factory=Patience)

    def place(self, session_id: str) -> LaunchPlace:
        """Return the directory that a session's agent is launched from."""
        return LaunchPlace(self.launch_root / session_id)
