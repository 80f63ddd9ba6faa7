"""`gh` as agents have it: a few commands that the service carries out, with the options agents use."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from runtime.shim.ask import Door, show

ALLOWED = (
    "gh here can: pr create, pr view, pr checks, pr diff, pr edit, issue view N, run view N, api <path> (reads only). "
    "No login is needed. For anything else ask a person in the pull request."
)
NO_JQ = "gh here has no jq: leave out --jq, print the JSON and pick from it."
ONLY_READS = "gh api here only reads: use `gh pr create` or `gh pr edit`, or ask a person in the pull request."
VERSION = "gh version 2.0.0 (Agent Orchestrator: {allowed})"


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is allowed, instead of a usage text that agents would argue with."""

    def error(self, message: str) -> NoReturn:
        """End with exit 1, as gh does."""
        self.exit(1, f"{self.prog}: {message}. {ALLOWED}\n")


def run(door: Door, arguments: list[str]) -> int:
    """Parse gh's arguments, have the service do it, and print its answer as gh would."""
    if not arguments or arguments[0] in ("help", "--help", "-h", "version", "--version"):
        print(VERSION.format(allowed=ALLOWED))
        return 0
    options = vars(_parser().parse_args(arguments))
    command = options.pop("command")
    problem = _finish(command, options)
    if problem:
        print(f"gh {command}: {problem}", file=sys.stderr)
        return 1
    given = {name: value for name, value in options.items() if value not in (None, False)}
    return show(door.ask(do="gh", command=command, options=given))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gh", allow_abbrev=False)
    topics = parser.add_subparsers(required=True, metavar="command")
    _pull_requests(topics.add_parser("pr", allow_abbrev=False))
    issue = topics.add_parser("issue", allow_abbrev=False).add_subparsers(required=True, metavar="command")
    _reading(_command(issue, "issue view", target="?"), "--comments")
    run_ = topics.add_parser("run", allow_abbrev=False).add_subparsers(required=True, metavar="command")
    _reading(_command(run_, "run view", target="?"), "--log", "--log-failed", "--verbose")
    api = topics.add_parser("api", allow_abbrev=False)
    api.set_defaults(command="api")
    api.add_argument("path")
    api.add_argument("-X", "--method", default="GET")
    api.add_argument("-H", "--header", action="append")
    api.add_argument("-f", "--raw-field", "-F", "--field", "--input", dest="writes", action="append")
    api.add_argument("-q", "--jq", "-t", "--template", dest="jq")
    api.add_argument("--paginate", action="store_true")
    return parser


def _pull_requests(topic: argparse.ArgumentParser) -> None:
    commands = topic.add_subparsers(required=True, metavar="command")
    create = _command(commands, "pr create")
    _texts(create)
    create.add_argument("-B", "--base")
    create.add_argument("-H", "--head")
    create.add_argument("-d", "--draft", action="store_true")
    create.add_argument("-f", "--fill", "--fill-first", "--fill-verbose", dest="fill", action="store_true")
    _texts(_command(commands, "pr edit", target="?"))
    _reading(_command(commands, "pr view", target="?"), "--comments")
    _reading(_command(commands, "pr checks", target="?"), "--required")
    _reading(_command(commands, "pr diff", target="?"), "--name-only", "--patch")


def _command(group: Any, name: str, *, target: str | None = None) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(name.split()[-1], allow_abbrev=False)
    parser.set_defaults(command=name)
    parser.add_argument("-R", "--repo")
    if target:
        parser.add_argument("target", nargs=target)
    return parser


def _texts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-t", "--title")
    parser.add_argument("-b", "--body")
    parser.add_argument("-F", "--body-file")


def _reading(parser: argparse.ArgumentParser, *flags: str) -> None:
    parser.add_argument("--json", type=lambda text: text.split(","))
    parser.add_argument("-q", "--jq", dest="jq")
    for flag in flags:
        parser.add_argument(flag, action="store_true")


def _finish(command: str, options: dict[str, Any]) -> str | None:
    """Read files and commits that options point to; return what is wrong with the options."""
    if options.pop("jq", None):
        return NO_JQ
    if options.pop("writes", None) or options.pop("method", "GET").upper() != "GET":
        return ONLY_READS
    options.pop("header", None)
    try:
        _read_body(options)
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot read the body: {error}"
    if options.pop("fill", False):
        _fill(options)
    if command == "pr create" and not options.get("title"):
        return "a title is needed: add --title and --body, or --fill to take them from the last commit."
    return None


def _read_body(options: dict[str, Any]) -> None:
    name = options.pop("body_file", None)
    if name:
        options["body"] = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")


def _fill(options: dict[str, Any]) -> None:
    """Take title and text that were not given from the last commit, as the agent's own git tells them."""
    log = subprocess.run(("git", "log", "-1", "--format=%s%n%b"), capture_output=True, text=True, check=False)
    subject, _, body = log.stdout.partition("\n")
    options["title"] = options.get("title") or subject
    options["body"] = options.get("body") or body.strip()
