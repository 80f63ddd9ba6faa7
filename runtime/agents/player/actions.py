"""What a script can make the agent do; each action is one function, named as scripts name it."""

import os
import signal as signals
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from .agent import GO_ON, TIMED, Agent
from .terminal import DIM

TAIL = 2000


class Failed(Exception):
    """An action did not work out; the turn ends with its text."""


def play(agent: Agent, listed: list[tuple[str, Any]]) -> str:
    """Do the actions in order and return the turn's last words; the first that fails ends the turn."""
    last = ""
    for name, value in listed:
        try:
            last = ACTIONS.get(name, partial(_unknown, name))(agent, value) or last
        except (Failed, OSError) as error:
            agent.terminal.show(str(error))
            return str(error)
        agent.attend(0)
    return last or "Done."


def _unknown(name: str, agent: Agent, value: object) -> str:
    raise Failed(f"The script asks for `{name}`, which I cannot do.")


def misbehave(agent: Agent, wanted: Any) -> None:
    """Set how the composer misbehaves from now on."""
    for name, value in dict(wanted or {}).items():
        MISBEHAVIOUR[name](agent, value)


def say(agent: Agent, text: str) -> str:
    """Speak; the last thing said is the turn's last message."""
    agent.terminal.show(text)
    return text


def write_file(agent: Agent, value: dict[str, str]) -> None:
    """Write a file of the worktree."""
    _put(agent, value["path"], value["content"], "write", "w")


def append_file(agent: Agent, value: dict[str, str]) -> None:
    """Add to the end of a file."""
    _put(agent, value["path"], value["content"], "append to", "a")


def replace(agent: Agent, value: dict[str, str]) -> None:
    """Replace a text that must be there once in a file."""
    path, old = value["path"], value["old"]
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123  # start-up, as in script.py
        content = file.read()
    if content.count(old) != 1:
        raise Failed(f"{path} has {content.count(old)} places that read {old!r}, I expected one.")
    _put(agent, path, content.replace(old, value["new"]), "edit", "w")


def shell(agent: Agent, value: str | dict[str, Any]) -> None:
    """Run a command line; it must work unless `may_fail`."""
    table = {"command": value} if isinstance(value, str) else value
    code, output = run(agent, ["/bin/sh", "-c", table["command"]], shown=table["command"])
    if code and not table.get("may_fail"):
        raise Failed(f"`{table['command']}` ended with {code}: {output}")


def commit(agent: Agent, value: str | dict[str, str]) -> None:
    """Commit everything, with the session's trailer; nothing to commit is fine."""
    message = value if isinstance(value, str) else value["message"]
    _must(agent, ["git", "add", "-A"])
    if run(agent, ["git", "diff", "--cached", "--quiet"], shown="")[0] == 0:
        agent.terminal.show("Nothing to commit.", style=DIM)
        return
    session = os.environ.get("AO_SESSION", "")
    trailer = ["--trailer", f"Agent-Session: {session}"] if session else []
    _must(
        agent, ["git", *_identity(agent), "commit", "-q", "-m", message, *trailer], shown=f"git commit -m {message!r}"
    )


def push(agent: Agent, value: object) -> None:
    """Push the branch."""
    _must(agent, ["git", "push", "origin", "HEAD"])


def pull_request(agent: Agent, value: dict[str, Any]) -> None:
    """Open a pull request with `gh`."""
    text = ["--title", value["title"], "--body", value.get("body", "")]
    draft = ["--draft"] if value.get("draft") else []
    _must(agent, ["gh", "pr", "create", *text, *draft], shown=f"gh pr create --title {value['title']!r}")


def sleep(agent: Agent, value: float) -> None:
    """Think for so many seconds, fewer at higher speed."""
    agent.attend(float(value) / agent.speed)


def ask_permission(agent: Agent, value: str | dict[str, Any]) -> str | None:
    """Wait for a person's decision; a no ends the turn, a choice becomes the last thing said."""
    question = value if isinstance(value, str) else value["question"]
    choices = () if isinstance(value, str) else tuple(value.get("choices", ()))
    answer = agent.ask(question, choices)
    if not answer:
        raise Failed(f"Not allowed: {question}")
    return f"Chosen: {choices[answer - 1]}" if choices else None


def crash(agent: Agent, value: int | dict[str, int]) -> None:
    """Die with an exit code."""
    agent.leave(value if isinstance(value, int) else value.get("code", 1))


def signal(agent: Agent, value: int | dict[str, int]) -> None:
    """Die by a signal."""
    os.kill(os.getpid(), value if isinstance(value, int) else value.get("number", signals.SIGKILL))


def stuck(agent: Agent, value: object) -> None:
    """Never end the turn."""
    while True:
        agent.attend(3600)


def flood(agent: Agent, value: int | dict[str, int]) -> None:
    """Print very much."""
    for number in range(value if isinstance(value, int) else value.get("lines", 10000)):
        agent.terminal.show(f"{number:8} all work and no play makes a long transcript")


def leave_shell(agent: Agent, value: object) -> None:
    """Become a shell, as an agent that was started from one and ended."""
    agent.terminal.restore()
    agent.diary.write("shell")
    os.execve("/bin/sh", ["sh", "-i"], {**os.environ, "PS1": "shell$ "})  # noqa: S606  # that is what this misbehaviour is


def run(agent: Agent, argv: list[str], *, shown: str | None = None) -> tuple[int, str]:
    """Run a program while serving the keyboard; return exit code and the output's end.

    Its output is shown as it comes, unless `shown` is empty.
    """
    import subprocess  # start-up: costs more than all the rest

    if shown != "":
        agent.terminal.show(f"$ {shown or ' '.join(argv)}", style=DIM)
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, open_end = b"", process.stdout
    try:
        while open_end is not None:
            if agent.attend(60, also=open_end.fileno()):
                chunk = os.read(open_end.fileno(), 65536)
                if not chunk:
                    break
                if shown != "":
                    agent.terminal.show(chunk.decode("utf-8", "replace").rstrip("\n"), indent="  ")
                output = (output + chunk)[-TAIL:]
        return process.wait(), output.decode("utf-8", "replace").strip()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _must(agent: Agent, argv: list[str], *, shown: str | None = None) -> None:
    code, output = run(agent, argv, shown=shown)
    if code:
        raise Failed(f"`{shown or ' '.join(argv)}` ended with {code}: {output}")


def _identity(agent: Agent) -> list[str]:
    if run(agent, ["git", "config", "user.email"], shown="")[1]:
        return []
    return ["-c", "user.name=Scripted agent", "-c", "user.email=scripted-agent@localhost"]


def _put(agent: Agent, path: str, content: str, verb: str, mode: str) -> None:
    agent.terminal.show(f"{verb} {path}", style=DIM)
    folder = path.rpartition("/")[0]
    if folder:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103  # start-up, as in script.py
    with open(path, mode, encoding="utf-8", newline="") as file:  # noqa: PTH123  # start-up, as in script.py
        file.write(content)


def _counted(name: str) -> Callable[[Agent, Any], None]:
    def set_count(agent: Agent, value: Any) -> None:
        times = value.get("times", 1) if isinstance(value, dict) else value
        agent.misbehave[name] = float(times)

    return set_count


def deaf(agent: Agent, value: dict[str, float]) -> None:
    """Accept nothing for some seconds, or throw away the next messages."""
    if "seconds" in value:
        agent.misbehave["deaf_until"] = time.monotonic() + float(value["seconds"])
    agent.misbehave["deaf_messages"] = float(value.get("messages", 0))


def echo_late(agent: Agent, value: float | dict[str, float]) -> None:
    """Leave the next input unread for some seconds."""
    agent.misbehave["echo_late"] = float(value["seconds"] if isinstance(value, dict) else value)


def suddenly(agent: Agent, what: str | None) -> None:
    """Do what was to happen while nobody has asked for anything."""
    if what == "dialog_in":
        agent.ask(GO_ON)
    elif what == "shell_in":
        leave_shell(agent, None)


def _timed(name: str) -> Callable[[Agent, Any], None]:
    def set_time(agent: Agent, value: Any) -> None:
        agent.misbehave[name] = time.monotonic() + float(value)

    return set_time


MISBEHAVIOUR: dict[str, Callable[[Agent, Any], None]] = {
    "deaf": deaf,
    **{name: _timed(name) for name in TIMED},
    "echo_late": echo_late,
    **{name: _counted(name) for name in ("swallow_enter", "die_after_paste", "dialog_before_paste", "restore_prompt")},
}
DOINGS = (
    *(say, write_file, append_file, replace, shell, commit, push, pull_request, sleep),
    *(ask_permission, crash, signal, stuck, flood, leave_shell),
)
ACTIONS: dict[str, Callable[[Agent, Any], str | None]] = {
    **{doing.__name__: doing for doing in DOINGS},
    **MISBEHAVIOUR,
}
