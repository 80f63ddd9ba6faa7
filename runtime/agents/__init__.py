"""Agents: one file each, found by scanning this package for modules that expose `AGENT`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from runtime.errors import UserError
from runtime.launch import Launch, LaunchPlace
from runtime.pushes import Push


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between agents when they are fed and watched."""

    can_resume: bool = False
    takes_model: bool = False
    """Can be told which model to use."""
    has_own_id: bool = False
    """Keeps an id of its own for the session, and says it."""
    asks_permission: bool = False
    prompt_at_launch: bool = True
    """Takes its first prompt from the launch; else it is typed once the agent is ready."""
    submit_key: str = "Enter"
    queue_key: str = "Enter"
    """Submits while a turn runs, without cutting it off."""
    clear_keys: tuple[str, ...] = ("C-u",) * 6
    """Empty the composer; one C-u takes one line in several agents."""
    empty_at: int | None = None
    """The column of the cursor in an empty composer, of agents that put the terminal's cursor there."""
    interrupt_keys: tuple[str, ...] = ("Escape",)
    """End the turn; pressed once, because twice means something else to an idle agent."""
    allow_keys: tuple[str, ...] = ()
    """Answer yes to an open question; none when only a person at the terminal can answer."""
    deny_keys: tuple[str, ...] = ()
    choice_keys: bool = False
    """Takes the number of a choice as a key."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is started for, and where."""

    session: str
    prompt: str
    worktree: Path
    repository: Path
    env: Mapping[str, str] = {}
    """The agent's environment, besides what its adapter adds."""
    permissions: Literal["bypass", "ask"] = "bypass"
    rules: str = ""
    model: str | None = None
    script: Path | None = None
    resume: str | None = None
    """The agent's own session id to go on with."""


class Agent(Protocol):
    """One coding agent: how it is started, fed and understood."""

    @property
    def name(self) -> str:
        """What configuration and labels call it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def quit_keys(self) -> tuple[str, ...]:
        """Keys that make it exit by itself when it is idle."""
        ...

    def installed(self, path: str) -> str:
        """Return what would run, found on `path`; `UserError` says how to install it."""
        ...

    def prepare(self, place: LaunchPlace, task: Task) -> Launch:
        """Write the agent's own files into `place`, never into the worktree, and say how to start it; idempotent.

        The worktree need not be there yet.
        """
        ...

    def own_session_id(self, hook: dict[str, Any]) -> str | None:
        """Return the id by which the agent itself knows its session, if this hook says it."""
        ...

    def remembers(self, place: LaunchPlace, env: Mapping[str, str], own: str) -> bool:
        """Tell whether its record of its own session is still there, so that it can go on with it."""
        ...

    def push_from_hook(self, hook: dict[str, Any]) -> Push | None:
        """Return what a raw hook of this agent means, or None when it means nothing to us."""
        ...


def load() -> dict[str, Agent]:
    """Return all agents by name: every module here that exposes `AGENT`."""
    found: dict[str, Agent] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            continue
        agent = getattr(importlib.import_module(f"{__name__}.{module.name}"), "AGENT", None)
        if agent is not None:
            found[agent.name] = agent
    return found


@cache
def named(name: str) -> Agent:
    """Return one agent; `UserError` names those that exist."""
    known = load()
    if name not in known:
        raise UserError(f"There is no agent `{name}`. Write one of: {', '.join(sorted(known))}.")
    return known[name]
