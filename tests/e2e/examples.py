"""The examples of the documents, run against a real service.

A block that begins with ```console run``` is a dialogue with a shell: lines with `$ ` are typed, one after the other
and document by document, into the story as it is when CI has passed; what follows them is what was shown. A line `…`
stands for any lines. To renew what the documents show: python -m tests.e2e.examples
"""

import asyncio
import difflib
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo import acts
from bot.demo.stage import Stage
from tests.e2e.play import set_stage, short_directory

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(ROOT.glob("docs/*.md"))
PATIENCE = 60.0
_BLOCK = re.compile(r"(?<=^```console run\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_VARIES = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "GUID"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,40}\b"), "SHA"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+[smhd]\b"), "AGE"),
    (re.compile(r" +"), " "),
)


@dataclass(frozen=True)
class Example:
    """One command and what the document says it shows."""

    document: Path
    command: str
    shows: str


@dataclass(frozen=True)
class Shell:
    """Where the commands are typed: the home of a person with a running service."""

    stage: Stage

    async def type(self, command: str) -> str:
        """Run a command and return what it shows, as somebody would see it with a service for their own repository."""
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", command, cwd=self.stage.home, env=self._environment(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            shown, _ = await process.communicate()
        text = shown.decode().replace(str(self.stage.service.data), "~/.agent-orchestrator")
        return text.replace(str(self.stage.home), "~").replace(self.stage.hub.url, "https://github.com")

    def _environment(self) -> dict[str, str]:
        programs = self.stage.home / "programs"
        if not programs.exists():
            programs.mkdir()
            (programs / "ao").write_text(f"#!/bin/sh\nexec '{sys.executable}' -m bot \"$@\"\n")
            (programs / "ao").chmod(0o755)
        measuring = {name: value for name, value in os.environ.items() if name.startswith("COV")}
        return {
            **measuring, "HOME": str(self.stage.home), "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8",
            "COLUMNS": "80", "AO_DATA_DIR": str(self.stage.service.data),
            "AO_CONFIG_PATH": str(self.stage.home / "agent-orchestrator.yaml"), "AO_GITHUB_TOKEN": "unused",
            "AO_WEBHOOK_SECRET": "0123456789abcdef",
        }  # fmt: skip


@asynccontextmanager
async def shell() -> AsyncIterator[Shell]:
    """A shell beside a service whose first session has brought a pull request through CI."""
    with short_directory() as home:
        async with set_stage(home) as made:
            story = acts.Story(made, patience=PATIENCE)
            for act in (acts.label, acts.claim, acts.open_pull, acts.checks):
                await act(story)
            await story.until("the agent is done", lambda: _rests(story))
            yield Shell(made)


async def _rests(story: acts.Story) -> bool:
    view = await story.view()
    return (view["status"], view["activity"]) == ("review_pending", "ready")


def examples(document: Path) -> Iterator[Example]:
    """Yield the examples of a document that can be run."""
    for block in _BLOCK.findall(document.read_text()):
        for typed in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shows = typed.partition("\n")
            yield Example(document, command, shows)


def shape(text: str) -> list[str]:
    """Return the lines without what is another one each time."""
    for varying, name in _VARIES:
        text = varying.sub(name, text)
    return [line.strip() for line in text.strip().splitlines()]


def differs(example: Example, shown: str) -> str:
    """Return how what was shown differs from what the document says, or nothing."""
    said, seen = shape(example.shows), shape(shown)
    pattern = "\n".join("(.*\n)*.*" if line == "…" else re.escape(line) for line in said)
    if re.fullmatch(pattern, "\n".join(seen)):
        return ""
    return "\n".join(difflib.unified_diff(said, seen, str(example.document.name), example.command, lineterm="", n=1))


async def renew() -> None:
    """Run all examples and write what they show now into the documents, where it differs."""
    async with shell() as typed:
        for document in DOCUMENTS:
            text, at = document.read_text(), 0
            for example in examples(document):
                shown = await typed.type(example.command)
                at = text.index(f"$ {example.command}\n{example.shows}", at)
                end = at + len(f"$ {example.command}\n{example.shows}")
                kept = example.shows if not differs(example, shown) else shown.strip("\n") + "\n"
                new = f"$ {example.command}\n{kept}"
                text, at = text[:at] + new + text[end:], at + len(new)
            document.write_text(text)


if __name__ == "__main__":
    asyncio.run(renew())
