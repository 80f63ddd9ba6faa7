"""`ao` as agents have it: what they report about themselves, and the sessions around their own."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any, NoReturn

from runtime.shim.ask import Door, show

ALLOWED = (
    "ao here can: report STATE [--note TEXT], acknowledge, status [--json], send SESSION TEXT, "
    "spawn --prompt TEXT, and spawn ISSUE in the orchestrator. Anything else is for the people who run it."
)
KEPT = "ao: the orchestrator is away; what you said is kept and heard when it is back"
_PUSHED = ("report", "acknowledge")
_SOON = 5.0


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is allowed."""

    def error(self, message: str) -> NoReturn:
        """End with exit 2, for wrong use."""
        self.exit(2, f"ao: {message}. {ALLOWED}\n")


def run(door: Door, arguments: list[str]) -> int:
    """Parse ao's arguments, have the service do it, and print its answer."""
    if not arguments or arguments[0] in ("help", "--help", "-h", "--version"):
        print(ALLOWED)
        return 0
    options = vars(_parser().parse_args(arguments))
    command = options.pop("command")
    given = {name: " ".join(value) if isinstance(value, list) else value for name, value in options.items() if value}
    if command not in _PUSHED:
        return show(door.ask(do="ao", command=command, options=given))
    return _say(door, command, given)


def _say(door: Door, command: str, options: dict[str, Any]) -> int:
    """Push first, so that nothing is lost while the service is away; then ask what became of it."""
    id = os.urandom(16).hex()
    pushed = _push(Path(door.path).parent, {"kind": command, "id": id, **options})
    near = Door(door.path, min(door.wait, _SOON) if pushed else door.wait)
    answer = near.ask(do="ao", id=id, command=command, options=options)
    if pushed and answer.away:
        print(KEPT)
        return 0
    return show(answer)


def _push(launch: Path, said: dict[str, Any]) -> bool:
    """Append a line to the session's push file and wake the service."""
    line = json.dumps({"at": time.time(), **said}) + "\n"
    try:
        file = os.open(launch / "pushes.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
    except OSError:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ao", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    report = commands.add_parser("report", allow_abbrev=False)
    report.add_argument("state")
    report.add_argument("--note", "-n")
    commands.add_parser("acknowledge", allow_abbrev=False)
    commands.add_parser("status", allow_abbrev=False).add_argument("--json", action="store_true")
    send = commands.add_parser("send", allow_abbrev=False)
    send.add_argument("session")
    send.add_argument("text", nargs="+")
    spawn = commands.add_parser("spawn", allow_abbrev=False)
    what = spawn.add_mutually_exclusive_group(required=True)
    what.add_argument("issue", nargs="?")
    what.add_argument("--prompt")
    spawn.add_argument("--agent")
    return parser
