"""What agents with hooks have in common: how a hook reaches the push file, what it means, how the agent is started."""

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from runtime.agents import Task
from runtime.composer import as_terminal_text
from runtime.errors import UserError
from runtime.launch import LaunchPlace
from runtime.pushes import Blocked, Prompt, Push, Ready, Resumed, TurnEnded, Waiting

HERE = Path(__file__).parent

# Linux refuses a single argument of 128 KiB: execve(2), MAX_ARG_STRLEN.
LONGEST_ARGUMENT = 120_000

_LONG = "Your task is too long for here: it is in the file {file}. Read all of that file, then do what it says."


def find(program: str, path: str, install: str) -> str:
    """Return where a program is; `UserError` says how to install it."""
    found = shutil.which(program, path=path)
    if found is None:
        raise UserError(f"`{program}` is not on PATH: install it with {install}")
    return found


def put_hook(place: LaunchPlace) -> str:
    """Write the program that the agent's hooks call, followed by the hook's name; return it as a shell word."""
    return shlex.quote(str(place.put("hook", (HERE / "hook.sh").read_text(), mode=0o700)))


def put_follower(place: LaunchPlace, pattern: str) -> tuple[str, ...]:
    """Write what watches the agent's transcript for `pattern`, a basic regular expression; return its argv.

    The agent's own argv has to follow. The first hook tells the watcher which file it is.
    """
    with contextlib.suppress(FileExistsError):
        os.mkfifo(place.directory / "transcript", 0o600)
    return "/bin/sh", str(place.put("follow", (HERE / "follow.sh").read_text(), mode=0o700)), pattern


def first_prompt(place: LaunchPlace, task: Task) -> str:
    """Return the task as one argument; what is too long for that stays in a file that the prompt names."""
    text = as_terminal_text(task.prompt)
    if len(text.encode()) <= LONGEST_ARGUMENT:
        return text
    return _LONG.format(file=place.put("task.md", task.prompt))


def meaning(hook: dict[str, Any]) -> Push | None:
    """Return what a hook means whose body is built like Claude Code's, which others have taken over."""
    match hook.get("hook_event_name"):
        case "UserPromptSubmit":
            return Prompt(text=text_of(hook, "prompt"))
        case "PermissionRequest":
            return Waiting(question=question(hook))
        case "PostToolUse" | "PostToolUseFailure":
            return Resumed(question=question(hook))
        case "Stop":
            return TurnEnded(last_message=text_of(hook, "last_assistant_message"))
        case "StopFailure":
            return Blocked(error=text_of(hook, "last_assistant_message") or text_of(hook, "error"))
        case "Interrupt":
            return Ready()
        case _:
            return None


def own_id(hook: dict[str, Any]) -> str | None:
    """Return the id that the agent knows its session by, which every hook of this kind carries."""
    return text_of(hook, "session_id")[:200] or None


def question(hook: dict[str, Any]) -> str:
    """Return what a person is asked to decide; the same for the request and for the use of the tool afterwards."""
    given = hook.get("tool_input")
    values = given if isinstance(given, dict) else {}
    if asked := _questions(values.get("questions")):
        return asked
    told = (text_of(values, key) for key in ("command", "file_path", "url", "path", "plan"))
    detail = next(filter(None, told), "") or msgspec.json.encode(values).decode()
    return f"{text_of(hook, 'tool_name')}: {detail}"[:1000]


def is_plain(own: str) -> bool:
    """Tell whether an agent's own session id may be part of a pattern for files: agents can write anything."""
    return bool(own) and own.replace("-", "").isalnum() and own.isascii()


def text_of(values: dict[str, Any], key: str) -> str:
    """Return a text, or none where something else was written: agents can write anything."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _questions(given: Any) -> str:
    listed: Iterable[Any] = given if isinstance(given, list) else ()
    return "\n".join(text_of(one, "question") for one in listed if isinstance(one, dict))[:1000]
