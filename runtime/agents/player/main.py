"""Starts the program, then plays one turn per prompt until somebody leaves."""

import os

from . import actions
from .agent import Agent, Interrupted
from .channel import Channel
from .diary import Diary
from .script import Script, load
from .terminal import DIM, Terminal


def main(arguments: list[str]) -> None:
    """Run on this terminal; the first prompt comes from a file, which may be empty."""
    terminal, channel = Terminal(), Channel(os.environ.get("AO_LAUNCH"))
    diary = Diary(os.environ.get("AO_DIARY"), os.environ.get("AO_SESSION", ""))
    agent = Agent(terminal, channel, float(os.environ.get("AO_SPEED") or 1), diary)
    channel.push("ready")
    names = {"session": os.environ.get("AO_SESSION", ""), "issue": os.environ.get("AO_ISSUE_ID", "")}
    terminal.show(f"Scripted agent of session {names['session']}. It plays {os.environ['AO_SCRIPT']}.", style=DIM)
    script = load(os.environ["AO_SCRIPT"], names)
    actions.misbehave(agent, script.misbehave)
    if prompt := "".join(_text(path) for path in arguments):
        agent.waiting.append(prompt)
    try:
        while True:
            if agent.waiting:
                _turn(agent, script)
            else:
                actions.suddenly(agent, agent.idle())
    except (EOFError, OSError):
        agent.leave(129)


def _turn(agent: Agent, script: Script) -> None:
    prompt = agent.waiting.popleft()
    agent.busy = True
    try:
        agent.told(prompt)
        last = actions.play(agent, script.play(prompt))
        agent.channel.push("turn_ended", last_message=last)
    except Interrupted:
        agent.interrupted(prompt)
        agent.terminal.show("Interrupted.", style=DIM)
        agent.channel.push("turn_ended", last_message="Interrupted.")
    finally:
        agent.busy = False


def _text(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123  # start-up, as in script.py
        return file.read()
