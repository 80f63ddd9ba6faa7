"""The audit trail's vocabulary: which records there are, who causes them, and how much of what was said they keep.

`docs/events.md` explains the same kinds to users; a test holds the two and the code together.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from runtime.redact import REDACTED

LEVELS = ("info", "warning", "error")

Source = Literal["github", "push", "gate", "tmux", "person", "time", "spawn", "service"]
"""Who made something so; `push` is the agent itself, `gate` what it did with git and gh, `spawn` a session's start."""
SOURCES: tuple[Source, ...] = get_args(Source)

MOST_DATA = 16 * 1024
MOST_TEXT = 500
_LOOKED_AT = 4096
"""A secret that begins in the part that is kept ends before this, so that its shape is still known."""
_DEEPEST = 6


class Kind(NamedTuple):
    """What a record of this kind says, and how loud it is unless whoever writes it knows better."""

    says: str
    level: str = "info"


KINDS: dict[str, Kind] = {
    "claimed": Kind("A session was claimed: its name, branch and issue are taken from now on."),
    "renumbered": Kind("A session got another number before it had started: the forge has a branch of its name."),
    "queue": Kind("A session's place among those that wait for a free slot has changed."),
    "step": Kind("A step of a session's start is done: worktree, launch files, terminal."),
    "undo_failed": Kind("A step of a failed start could not be undone; the text says what is left behind.", "error"),
    "fact": Kind("Something became known about a session: from GitHub, its agent, its terminal or a person."),
    "transition": Kind("A session's status changed, with the reason and the evidence that decided."),
    "restored": Kind("A person brought an ended session back."),
    "superseded": Kind(
        "A session that was taken for lost lives after all, but another one has its work by now.", "warning"
    ),
    "outage": Kind(
        "tmux does not answer or misses many terminals, from which no death is concluded; or it has gone.", "warning"
    ),
    "rebooted": Kind("The machine was started again: the sessions of before have lost their agents.", "warning"),
    "message": Kind("A message to an agent was queued, typed, accepted, answered, put back or failed."),
    "typed": Kind("A person typed a prompt into the session's terminal."),
    "report": Kind("An agent reported what it does, or acknowledged its task; a warning when that was rejected."),
    "metadata_edited": Kind("What a person wrote into a session's metadata file was taken in."),
    "metadata_refused": Kind(
        "What a person wrote into a session's metadata file was not taken, with the reason.", "warning"
    ),
    "trust": Kind("The sender's words were taken as a command, after a look at their permission."),
    "skip": Kind("A handler did nothing about a delivery, with the reason."),
    "delivery_failed": Kind("A delivery's handler failed; it is tried again.", "warning"),
    "delivery_dead": Kind("A delivery was given up; `ao deliveries replay` runs it again.", "error"),
    "delivery_replayed": Kind("A person queued a delivery again."),
    "replay_suspect": Kind("The same body came again under another delivery id and was not run.", "warning"),
    "redelivery": Kind("GitHub was asked to send a delivery again that never arrived."),
    "redelivery_failed": Kind("GitHub could not be asked which deliveries never arrived.", "warning"),
    "outbox_queued": Kind("Something is to be written on GitHub: a comment, reply, reaction, label, pull request."),
    "outbox_sent": Kind("GitHub has taken what was to be written."),
    "outbox_deferred": Kind("GitHub did not take what was to be written; it is tried again.", "warning"),
    "outbox_failed": Kind("What was to be written on GitHub was given up, with GitHub's reason.", "error"),
    "push_refused": Kind("An agent's `git push` was refused at the gate, with what its terminal was told.", "warning"),
    "gh_refused": Kind("An agent's `gh` command was refused, with what its terminal was told.", "warning"),
    "keeper_failed": Kind("The next step for a session failed; it is tried again.", "warning"),
    "adopt_failed": Kind("A session of before a restart of the service is not taken up again yet.", "error"),
    "cleanup_failed": Kind("`ao session cleanup` could not clear a session away, with the reason.", "warning"),
    "left_behind": Kind("A worktree or branch of an ended session was left where it is, with the reason.", "warning"),
    "reaped": Kind("Processes of a session ignored the end of their terminal and were ended.", "warning"),
}
"""Every kind of record there is."""

_TOLD_BY_KEY = re.compile(r"(?i)token|password|passwd|secret|authorization|cookie|api[_-]?key|private[_-]?key")
_ASSIGNED = re.compile(
    rf"(?i)(\b[\w.-]*(?:{_TOLD_BY_KEY.pattern[4:]})[\w.-]*\"?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)"
)
_SHA = re.compile(r"[0-9a-f]{40}")
_SHORTEST_SECRET = 8

Redact = Callable[[str], str]


def names_a_secret(key: str) -> bool:
    """Tell whether what stands under this name is a secret, whatever it looks like."""
    return _TOLD_BY_KEY.search(key) is not None


def line(text: str, redact: Redact) -> str:
    """Return text as one line that may be kept."""
    return _text(" ".join(text[:_LOOKED_AT].split()), redact)


def kept(data: Mapping[str, Any], redact: Redact) -> dict[str, Any]:
    """Return what may be kept of a record's data: without secrets, each text and the whole of bounded length."""
    fit = {str(key): _value(str(key), value, redact, _DEEPEST) for key, value in data.items()}
    size = len(json.dumps(fit, ensure_ascii=False))
    return fit if size <= MOST_DATA else {"dropped": f"{size} characters of data are more than a record keeps"}


def _value(key: str, value: Any, redact: Redact, depth: int) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, str):
        if key.endswith("sha") and _SHA.fullmatch(value):
            return value
        return REDACTED if value and names_a_secret(key) else _text(value, redact)
    if depth and isinstance(value, Mapping):
        return {str(name): _value(str(name), one, redact, depth - 1) for name, one in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_value(key, one, redact, depth - 1) for one in value]
    return _text(str(value), redact)


def _text(text: str, redact: Redact) -> str:
    if len(text) < _SHORTEST_SECRET:
        return text
    text = _ASSIGNED.sub(rf"\1{REDACTED}", redact(text[:_LOOKED_AT]))
    text = text.encode(errors="replace").decode()
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
