"""What the demo shows: a line for each act as it happens, and a table at the end; plain lines when piped."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.demo import project
from bot.demo.stage import REPO, Stage

REAL_AGENTS = {"claude": "claude-code", "codex": "codex"}


class Screen:
    """Writes to the terminal; spinners only when there is one."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._acts: list[tuple[str, float, str]] = []
        self._attached = False

    def opened(self, stage: Stage, seconds: float) -> None:
        """Say where things are, and what is real."""
        self._say(f"[bold]Agent Orchestrator[/] · the whole story on this machine, set up in {seconds:.1f} s")
        self._say(f"  local GitHub   [link={stage.hub.url}/{REPO}]{stage.hub.url}/{REPO}[/link]")
        self._say(f"  service log    {stage.service.log}")
        self._say(f"  agent          scripted: plays {project.SCRIPT}")
        self._say("                 git, tmux, webhooks, CI, review and merge are real\n")

    @contextmanager
    def act(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show an act while it is played, then what happened and how long it took."""
        began, said = time.monotonic(), [""]
        if self._console.is_terminal:
            with self._console.status(f"[bold]{title}[/] …"):
                yield lambda text: said.__setitem__(0, text)
        else:
            yield lambda text: said.__setitem__(0, text)
        seconds = time.monotonic() - began
        self._acts.append((title, seconds, said[0]))
        self._console.print(Text.assemble(("✓ ", "green"), (title, "bold"), f"  {seconds:.1f} s"))
        self._console.print(Text(f"  {said[0]}", style="dim"))

    def attach(self, command: str) -> None:
        """Show once how to watch the agent."""
        if not self._attached:
            self._attached = True
            self._console.print(Text(f"  watch it: {command}", style="cyan"), soft_wrap=True)

    def table(self, calls: int) -> None:
        """Show the acts with their times, and what the story cost at GitHub."""
        table = Table(title="From label to merge", title_justify="left", show_edge=False)
        table.add_column("Step")
        table.add_column("Seconds", justify="right")
        for title, seconds, _ in self._acts:
            table.add_row(title, f"{seconds:.1f}")
        table.add_section()
        table.add_row("together", f"{sum(seconds for _, seconds, _ in self._acts):.1f}")
        table.add_row("GitHub API calls of the bot", str(calls))
        self._console.print()
        self._console.print(table)

    def kept(self, stage: Stage) -> None:
        """Say what can be tried by hand while everything runs."""
        for line in by_hand(stage):
            self._console.print(Text(line), soft_wrap=True)
        for program, agent in REAL_AGENTS.items():
            if shutil.which(program):
                self._say(f"With a real agent:  make demo ARGS='--agent {agent} --keep'")
        self._say("Ctrl-C ends everything and removes it.")

    def failed(self, why: str) -> None:
        """Say what did not happen."""
        self._console.print(Text.assemble(("✗ ", "red"), why))

    def stopped(self) -> None:
        """Say that a person stopped it."""
        self._say("stopped, everything is removed")

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


def by_hand(stage: Stage) -> list[str]:
    """Return three things to try, as lines to paste into a shell."""
    return ["", f"Everything still runs. {stage.hub.url}/{REPO}"]
