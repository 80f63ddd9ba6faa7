"""What the demo shows: a line for each act as it happens, and a table at the end; plain lines when piped."""

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.demo import project
from bot.demo.acts import Story
from bot.demo.stage import REPO, Stage

REAL_AGENTS = {"claude": "claude-code", "codex": "codex"}


class Screen:
    """Writes to the terminal; spinners only when there is one."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._acts: list[tuple[str, float, int]] = []

    def opened(self, stage: Stage, seconds: float) -> None:
        """Say where things are, and what is real."""
        self._line(Text(f"The whole story on this machine, set up in {seconds:.1f} s", style="bold"))
        self._line(Text(f"  watch it    {stage.hub.url}/{REPO}"))
        self._line(Text(f"  its log     {stage.service.log}"))
        if stage.agent == "scripted":
            self._line(Text(f"  the agent   no language model: it plays {_near(project.SCRIPT)}"))
        else:
            self._line(Text(f"  the agent   {stage.agent}"))
        self._line(Text("  the rest    is real: git, tmux, webhooks, CI, review, merge\n"))

    @contextmanager
    def act(self, title: str, calls: Callable[[], int]) -> Iterator[Callable[[str], None]]:
        """Show an act while it is played, then what happened and how long it took."""
        began, calls_before, said = time.monotonic(), calls(), [""]
        try:
            if self._console.is_terminal:
                with self._console.status(f"[bold]{title}[/] …"):
                    yield lambda text: said.__setitem__(0, text)
            else:
                yield lambda text: said.__setitem__(0, text)
        except Exception:
            self._line(Text.assemble(("✗ ", "red"), (title, "bold")))
            raise
        seconds = time.monotonic() - began
        self._acts.append((title, seconds, calls() - calls_before))
        self._line(Text.assemble(("✓ ", "green"), (title, "bold"), f"  {seconds:.1f} s"))
        self._below(said[0])

    def attach(self, command: str) -> None:
        """Show how to watch the agent."""
        self._below("watch the agent from another terminal, and leave it with Ctrl+B, then D:")
        self._line(Text(f"  {command}", style="cyan"))

    def table(self) -> None:
        """Show the acts with their times, and what each cost at GitHub."""
        table = Table(title="From label to merge", title_justify="left", title_style="bold", show_edge=False)
        table.add_column("Step")
        table.add_column("Seconds", justify="right")
        table.add_column("GitHub API calls of the bot", justify="right")
        for title, seconds, calls in self._acts:
            table.add_row(title, f"{seconds:.1f}", str(calls))
        table.add_section()
        together = sum(seconds for _, seconds, _ in self._acts)
        table.add_row("together", f"{together:.1f}", str(sum(calls for *_, calls in self._acts)))
        self._console.print()
        self._console.print(table)

    def kept(self, stage: Stage, story: Story) -> None:
        """Say what can be tried by hand while everything runs."""
        pull = f"{stage.hub.url}/{REPO}/pull/{story.pull}"
        self._line(Text(f"\nEverything still runs. {story.session} has opened\n{pull}\n"))
        for number, (what, command) in enumerate(by_hand(stage, story), 1):
            self._line(Text(f"{number}. {what}"))
            self._line(Text(f"{command}\n", style="cyan"))
        for program, agent in REAL_AGENTS.items():
            if shutil.which(program):
                self._line(Text(f"With a real agent:  make demo ARGS='--agent {agent} --keep'"))
        self._line(Text("Ctrl-C ends everything and removes it."))

    def failed(self, why: str, home: Path) -> None:
        """Say what did not happen, and where to look."""
        self._line(Text.assemble(("✗ ", "red"), why))
        self._line(Text(f"The logs are kept in {home}; remove it when you have looked."))

    def stopped(self) -> None:
        """Say that a person stopped it."""
        self._line(Text("Stopped; nothing is left behind."))

    def _below(self, text: str) -> None:
        """Write under an act: wrapped and indented in a terminal, one line when piped."""
        if self._console.is_terminal:
            self._console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
        else:
            self._line(Text(f"  {text}"))

    def _line(self, text: Text) -> None:
        """Write a line that can be copied whole, however narrow the terminal is."""
        self._console.print(text, soft_wrap=True)


def by_hand(stage: Stage, story: Story) -> list[tuple[str, str]]:
    """Return three things to try, each with a line to paste into another terminal."""
    comment = stage.maintainer.curl(f"/issues/{story.pull}/comments", {"body": project.NEXT_COMMENT})
    ao = shlex.join([str(Path(sys.executable).with_name("ao")), "send", story.session, "what did you do?"])
    return [
        ("Comment as the maintainer; the agent adds a test, the bot answers there.", comment),
        ("Look over the agent's shoulder; leave with Ctrl+B, then D.", story.attach),
        ("Talk to it without GitHub.", f"AO_DATA_DIR={shlex.quote(str(stage.service.data))} {ao}"),
    ]


def _near(path: Path) -> Path:
    """Return the path as short as it can be written here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
