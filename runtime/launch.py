"""Everything an agent is started with, in one directory of its session, outside the worktree."""

import contextlib
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from runtime import disk

INHERITED = re.compile(r"HOME|PATH|LANG|LC_[A-Z]+|TERM|COLORTERM|TZ|USER|LOGNAME|SHELL|TMPDIR")
SECRET = re.compile(r".*(_TOKEN|_KEY|_SECRET|_PASSWORD|_FILE)|SSH_AUTH_SOCK|GIT_ASKPASS|SSH_ASKPASS|AO_WEBHOOK.*")

_RUN = r"""#!/bin/sh
# Runs the agent in this pane and reports how it ended, if it ever began; leaves no shell behind.
# When the terminal goes, only its first process is told; that one has to end for the agent to be told too. All are told
# more than once then, which must not cut the report of the end off.
launch={launch}
trap : INT QUIT TERM
(
    trap : INT QUIT TERM HUP
    env -i /bin/sh "$launch/agent.sh"
    code=$?
    trap '' INT QUIT TERM HUP
    [ -e "$launch/go" ] || exit "$code"
    if [ "$code" -gt 128 ] && [ "$code" -lt 160 ]; then
        "$launch/push" exited run {run} signal "$((code - 128))"
    else
        "$launch/push" exited run {run} code "$code"
    fi
    exit "$code"
)
exit
"""

_AGENT = r"""# The agent's whole environment; this shell becomes the agent, so that its pid is the agent's.
{exports}
boot= ticks=
[ ! -r /proc/sys/kernel/random/boot_id ] || read -r boot </proc/sys/kernel/random/boot_id
[ ! -r "/proc/$$/stat" ] || {{ read -r line <"/proc/$$/stat"; set -- ${{line##*)}}; shift 19; ticks=$1; }}
# Everything up to here is done while the worktree is still being made. A person who looks on may press what they like.
if [ ! -e "$AO_LAUNCH/go" ]; then
    trap : INT QUIT
    printf 'The agent starts here as soon as its worktree is there.\n'
    exec 3<>"$AO_LAUNCH/hold"
    until [ -e "$AO_LAUNCH/go" ]; do read -r line <&3 || sleep 0.1; done
    exec 3<&-
    printf '\033[H\033[J'
fi
(
    set -- started run {run} pid "$$" boot "$boot" ticks "${{ticks:-0}}"
    . "$AO_LAUNCH/push"
)
unset boot ticks line
cd {worktree} || exit 72
exec {argv}
"""

_PUSH = r"""#!/bin/sh
# push KIND [KEY VALUE]...   tells the service what the agent is doing
# push KIND -                the same, with one JSON value on standard input as `hook`
launch={launch}
# Whoever writes to a pipe in its place would wait for ever, and a link leads elsewhere: nothing is said then.
[ ! -L "$launch/pushes.jsonl" ] && {{ [ -f "$launch/pushes.jsonl" ] || [ ! -e "$launch/pushes.jsonl" ]; }} || exit 0
LC_ALL=C
export LC_ALL
quote() {{
    case $1 in
    *[!A-Za-z0-9._/\ -]*)
        quoted=$(printf '%s\n' "$1" | tr -d '\000-\010\013-\037\177' |
            sed -e 's/[\\"]/\\&/g' -e "s/$(printf '\t')/\\\\t/g" |
            awk 'NR > 1 {{ printf "\\n" }} {{ printf "%s", $0 }}') ;;
    *) quoted=$1 ;;
    esac
}}
at=$(date +%s.%N)
case $at in *N) at=${{at%.*}} ;; esac
line="{{\"kind\":\"$1\",\"at\":$at"
shift
if [ "${{1-}}" = - ]; then
    line="$line,\"hook\":$(LC_ALL=C tr -d '\n\r')"
else
    while [ $# -ge 2 ]; do
        quote "$2"
        line="$line,\"$1\":\"$quoted\""
        shift 2
    done
fi
# A shell writes long lines in pieces, dd in one: pushes made at the same moment must not mix.
if [ "${{#line}}" -lt 2000 ]; then
    printf '%s}}\n' "$line" >>"$launch/pushes.jsonl"
else
    printf '%s}}\n' "$line" >"$launch/.push.$$"
    dd if="$launch/.push.$$" bs=16777216 2>/dev/null >>"$launch/pushes.jsonl"
    rm -f "$launch/.push.$$"
fi
[ ! -p "$launch/wake" ] || printf . 1<>"$launch/wake"
"""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How one agent is started: what an adapter decides."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    ready: Literal["push", "prompt"] = "push"
    """The first thing heard from it: a `ready` push, or the acceptance of its first prompt."""
    prompt: str | None = None
    """The first prompt as the agent gets it and will report it, if that is not the task's own text."""


class LaunchPlace:
    """The launch directory of one session; everything in it can be written again, pushes are kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def script(self) -> Path:
        """The wrapper that tmux runs."""
        return self.directory / "run.sh"

    @property
    def prompt(self) -> Path:
        """The first prompt, read by the agent."""
        return self.directory / "prompt.md"

    @property
    def push(self) -> Path:
        """The program that hooks call to push."""
        return self.directory / "push"

    @property
    def pushes(self) -> Path:
        """What was pushed so far, one JSON object per line."""
        return self.directory / "pushes.jsonl"

    @property
    def wake(self) -> Path:
        """The FIFO that wakes the service."""
        return self.directory / "wake"

    @property
    def go(self) -> Path:
        """What an agent waits for: there once its worktree is finished."""
        return self.directory / "go"

    @property
    def hold(self) -> Path:
        """The FIFO that wakes an agent which waits."""
        return self.directory / "hold"

    @property
    def gate(self) -> Path:
        """The socket where the service answers git and `gh` of the agent."""
        return self.directory / "gate.sock"

    @property
    def argv(self) -> list[str]:
        """What tmux runs."""
        return ["/bin/sh", str(self.script)]

    def open(self) -> None:
        """Make the directory with its push channel; an adapter may then put its own files into it."""
        disk.make_own_directory(self.directory, mode=0o700)
        self.directory.chmod(0o700)
        if self.pushes.is_symlink() or not self.pushes.is_file():
            self.put(self.pushes.name, "")
        for pipe in (self.wake, self.hold):
            if pipe.is_symlink() or not pipe.is_fifo():
                disk.remove_tree(pipe)
                os.mkfifo(pipe, 0o600)
        self.put("push", _PUSH.format(launch=shlex.quote(str(self.directory))), mode=0o700)

    def write(self, launch: Launch, *, worktree: Path, env: Mapping[str, str]) -> None:
        """Write the scripts that start the agent; `env` is its whole environment besides what the adapter adds.

        Each time they get a new name for the run: what an earlier one still reports must not be taken for this one. The
        agent is held back until `let_go`.
        """
        disk.remove_tree(self.go)
        exports = {**env, **launch.env, "AO_LAUNCH": str(self.directory)}
        lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(exports.items()))
        run = secrets.token_hex(4)
        agent = _AGENT.format(exports=lines, run=run, worktree=shlex.quote(str(worktree)), argv=shlex.join(launch.argv))
        self.put("agent.sh", agent)
        self.put("run.sh", _RUN.format(launch=shlex.quote(str(self.directory)), run=run))

    def let_go(self) -> None:
        """Let the agent start, whether it waits already or is only about to; may be repeated."""
        self.put(self.go.name, "")
        with contextlib.suppress(OSError):  # nobody waits there: whoever comes finds the file
            disk.poke(self.hold)

    def remove(self) -> None:
        """Remove the directory; nothing happens if it is gone."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def put(self, name: str, content: str, *, mode: int = 0o600) -> Path:
        """Write one file, whole or not at all, readable by the service's user only; whatever is there is replaced."""
        path = self.directory / name
        if disk.is_own_directory(path):
            disk.remove_tree(path)
        disk.write(path, content, mode=mode)
        return path


def agent_environment(
    base: Mapping[str, str],
    *,
    session: str,
    project: str,
    issue: int | None,
    extra: Mapping[str, str],
    first_on_path: Sequence[Path] = (),
) -> dict[str, str]:
    """Return what an agent may know: a few harmless names of `base`, who it is, and what the project gives it.

    Names that look like secrets are dropped from `base` even when they are harmless by the list; `extra` is a
    person's explicit choice and passes.
    """
    kept = {name: value for name, value in base.items() if INHERITED.fullmatch(name) and not SECRET.fullmatch(name)}
    path = [*map(str, first_on_path), extra.get("PATH", kept.get("PATH", os.defpath))]
    who = {
        "AO_SESSION": session,
        "AO_SESSION_ID": session,
        "AO_SESSION_NAME": session,
        "AO_PROJECT_ID": project,
        "AO_ISSUE_ID": "" if issue is None else str(issue),
    }
    return {**kept, "TERM": "screen-256color", **extra, **who, "PATH": os.pathsep.join(path)}
