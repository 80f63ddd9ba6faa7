"""The keys of `agent-orchestrator.yaml`; what is known but not built yet is refused with what works today."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bot.settings import Url
from runtime.branches import is_branch_name
from runtime.project import Labels, Limits, Model, Reactions, Times, Whole

SETTINGS = frozenset({"github_api_url", "host", "port", "public_url", "log_level", "log_format", "records_days"})
"""Settings that the file may hold too; secrets stay out of it."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _only(works: str, *later: str) -> BeforeValidator:
    """Refuse values that the contract knows and this version does not have yet."""

    def check(value: object) -> object:
        if value in later:
            raise ValueError(f"not available yet; write {works}")
        return value

    return BeforeValidator(check)


def _nothing(what: str) -> AfterValidator:
    """Refuse any value but the empty one."""

    def check(value: Any) -> Any:
        if value is not None and value not in ([], {}):
            raise ValueError(f"{what} not available yet; leave it out")
        return value

    return AfterValidator(check)


def _known_agent(name: str) -> str:
    from runtime.agents import load

    if name not in (known := load()):
        raise ValueError(f"not an agent of this version; write {' or '.join(sorted(known))}")
    return name


def _inside_worktree(path: str) -> str:
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("write a path inside the repository, without ..")
    return path


def _not_ours(env: dict[str, str]) -> dict[str, str]:
    if ours := [name for name in env if name.startswith("AO_") and name != "AO_SPEED"]:
        raise ValueError(f"names that start with AO_ belong to the service; rename {', '.join(ours)}")
    if odd := [name for name in env if not _VARIABLE.fullmatch(name)]:
        raise ValueError(f"a name is made of letters, digits and _; rename {', '.join(map(ascii, odd))}")
    return env


def _branch(name: str) -> str:
    if not is_branch_name(name):
        raise ValueError("write a branch's name, such as main")
    return name


def _command(text: str) -> str:
    if not text.strip():
        raise ValueError("write a command, or leave it out")
    return text


def _listed(value: object) -> object:
    """Take an absent list as an empty one."""
    return () if value is None else value


def _mapped(value: object) -> object:
    """Take an absent mapping as an empty one."""
    return {} if value is None else value


AgentName = Annotated[str, AfterValidator(_known_agent)]
Permissions = Annotated[
    Literal["bypass"] | None,
    _only("bypass, which runs agents without a sandbox", "sandboxed", "ask"),
    Field(description="`bypass` runs agents without a sandbox and without questions."),
]
Tmux = Annotated[Literal["tmux"] | None, _only("tmux", "process")]
Worktree = Annotated[Literal["worktree"] | None, _only("worktree", "clone")]
Tracker = Annotated[Literal["github"] | None, _only("github", "linear", "gitlab")]
Notify = Annotated[list[str] | None, _nothing("notifications are")]
Budget = Annotated[float | None, _nothing("budgets are")]
Branch = Annotated[str, AfterValidator(_branch)]
Commands = Annotated[tuple[Annotated[str, AfterValidator(_command)], ...], BeforeValidator(_listed)]
Symlinks = Annotated[tuple[Annotated[str, AfterValidator(_inside_worktree)], ...], BeforeValidator(_listed)]


class Defaults(Model):
    """What holds for each project that does not say otherwise."""

    agent: AgentName = "claude-code"
    runtime: Tmux = "tmux"
    workspace: Worktree = "worktree"
    permissions: Permissions = None
    notify: Notify = None


class FileLimits(Limits):
    """How much may run at once, and what a session may use."""

    budget_usd: Budget = None
    budget_turns: Budget = None
    budget_minutes: Budget = None

    def built(self) -> Limits:
        """Return the limits that this version keeps."""
        return Limits(**{name: getattr(self, name) for name in Limits.model_fields})


class ProjectLimits(Model):
    """How much one project may use of what all may use."""

    sessions: Whole | None = Field(None, ge=1, description="Live sessions of this project at the same time.")
    warm: Whole | None = Field(None, ge=0, le=10, description="Checkouts of this project made ahead.")


class ProjectEntry(Model):
    """One repository that agents work on."""

    repo: str = Field(description="`owner/name` on GitHub.")
    path: str | None = Field(None, description="A clone that already exists; relative to this file.")
    default_branch: Branch | None = Field(None, description="Default: GitHub's answer.")
    session_prefix: str | None = Field(None, description="Default: derived from the project's id.")
    agent: AgentName | None = None
    model: str | None = Field(None, min_length=1, description="What the agent is told to use; default: its own choice.")
    permissions: Permissions = None
    runtime: Tmux = None
    workspace: Worktree = None
    notify: Notify = None
    rules: str | None = Field(None, description="Added to the agent's instructions.")
    post_create: Commands = Field((), description="Commands run in each new worktree.")
    symlinks: Symlinks = Field((), description="Files of `path` that each worktree links to.")
    env: Annotated[dict[str, str], BeforeValidator(_mapped), AfterValidator(_not_ours)] = Field(
        default_factory=dict, description="Environment of the agent."
    )
    tracker: Tracker = None
    comments: Literal["all", "mention"] | None = Field(None, description="Which comments reach the agent; default all.")
    limits: ProjectLimits = ProjectLimits()
    reactions: Reactions | None = Field(None, description="Overrides single keys of the global reactions.")
    script: str | None = Field(None, description="What the scripted agent plays.")


class File(Model):
    """The whole file."""

    schema_: str | None = Field(None, alias="$schema", description="For editors.")
    defaults: Defaults = Field(default_factory=Defaults)
    labels: Labels = Labels()
    limits: FileLimits = FileLimits()
    times: Times = Times()
    projects: dict[str, ProjectEntry] = Field(default_factory=dict)
    reactions: Reactions = Reactions()
    notifiers: Annotated[dict[str, str] | None, _nothing("notifications are")] = None
    github_api_url: Url | None = None
    host: str | None = None
    port: Whole | None = None
    public_url: Url | None = None
    log_level: str | None = None
    log_format: str | None = None
    records_days: Whole | None = None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    made = File.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "agent-orchestrator.yaml"}
