"""What a project is and what it may use: the part of the configuration that sessions depend on."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

_UNITS = {"s": 1, "m": 60, "h": 3600}
NO_UNIT = "write a duration as a number with a unit, for example 60s, 5m or 1h"


def seconds(value: object) -> object:
    """Turn `60s`, `5m` or `1h` into seconds; numbers pass as they are."""
    if isinstance(value, str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", value.strip())
        if found is None:
            raise ValueError(NO_UNIT)
        return float(found[1]) * _UNITS[found[2]]
    if isinstance(value, bool):
        raise ValueError(NO_UNIT)  # noqa: TRY004 - what pydantic takes for a problem of the value
    return value


Duration = Annotated[float, BeforeValidator(seconds, json_schema_input_type=str | float), Field(ge=0)]
Label = Annotated[str, Field(min_length=1, max_length=50)]
"""GitHub takes no longer name: https://docs.github.com/en/rest/issues/labels"""
Whole = Annotated[int, Field(strict=True)]


class Model(BaseModel):
    """Base of all configuration: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(Model):
    """The labels that people and the bot use on issues."""

    spawn: Label = Field("agent", description="Starts a session; `<spawn>:<agent>` picks the agent.")
    in_progress: Label = Field("agent:working", description="Set while a session is at work.")
    needs_input: Label = Field("agent:needs-input", description="Set while an agent waits for a person.")
    done: Label = Field("agent:done", description="Set when the pull request is merged.")


class Limits(Model):
    """How much may run at once."""

    sessions: Whole = Field(10, ge=1, description="Live sessions at the same time; more wait in a queue.")
    spawns_at_once: Whole = Field(2, ge=1, description="Worktrees checked out at the same time.")
    warm: Whole = Field(1, ge=0, le=10, description="Checkouts of each project made ahead, for sessions to come.")
    child_depth: Whole = Field(3, ge=0, le=10, description="How many levels of children a session may have below it.")


class Times(Model):
    """How long things may take before something is concluded from it."""

    idle_after: Duration = 300.0
    stuck_after: Duration = 600.0
    spawn_grace: Duration = 30.0
    cleanup_grace: Duration = 300.0
    send_wait: Duration = 600.0
    death_confirm: Duration = 5.0


class Reaction(Model):
    """What happens by itself when something goes wrong on a pull request."""

    auto: bool = True
    action: Literal["send-to-agent"] = "send-to-agent"
    retries: Whole = Field(2, ge=0)
    escalate_after: Whole = Field(2, ge=1)
    settle: Duration = Field(60.0, description="How long to wait for the other checks of the same commit.")


class Reactions(Model):
    """The reactions that exist."""

    ci_failed: Reaction = Field(default_factory=Reaction, alias="ci-failed")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Project(Model):
    """One repository that agents work on."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    repo: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", description="`owner/name` on GitHub.")
    path: Path | None = Field(None, description="A clone that already exists.")
    default_branch: str | None = None
    session_prefix: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")
    agent: str = "claude-code"
    model: str | None = Field(None, description="What the project's agent is told to use.")
    permissions: Literal["bypass"] = "bypass"
    rules: str = ""
    post_create: tuple[str, ...] = ()
    symlinks: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    comments: Literal["all", "mention"] = "all"
    script: Path | None = Field(None, description="What the scripted agent plays (demo and tests).")
    labels: Labels = Labels()
    limits: Limits = Limits()
    warm: int | None = Field(None, ge=0, le=10, description="Checkouts of this project made ahead.")
    sessions: int | None = Field(None, ge=1, description="Live sessions of this project at the same time.")
    times: Times = Times()
    reactions: Reactions = Reactions()

    @field_validator("repo")
    @classmethod
    def _not_a_git_suffix(cls, repo: str) -> str:
        if repo.endswith(".git"):
            raise ValueError(f"leave out the .git: {repo.removesuffix('.git')}")
        return repo

    def agent_for_label(self, label: str) -> str | None:
        """Return the agent that this label starts, or None when it starts none."""
        if label == self.labels.spawn:
            return self.agent
        others = (self.labels.in_progress, self.labels.needs_input, self.labels.done)
        if label in others or not label.startswith(f"{self.labels.spawn}:"):
            return None
        return label.removeprefix(f"{self.labels.spawn}:")


def default_prefix(project_id: str) -> str:
    """Derive a session prefix from a project id: short ids as they are, else initials, else three letters.

    Follows the reference documentation: four characters or fewer stay, CamelCase gives its capitals,
    kebab-case its initials.
    """
    if len(project_id) <= 4:
        return project_id.lower().replace("_", "-")
    capitals = re.findall(r"[A-Z]", project_id)
    if len(capitals) > 1:
        return "".join(capitals).lower()
    parts = [part for part in re.split(r"[-_]", project_id) if part]
    return ("".join(part[0] for part in parts) if len(parts) > 1 else project_id[:3]).lower()
