"""Starts the program, then plays one turn per prompt until somebody leaves."""

import os

from . import actions
from .agent import Agent, Interrupted
from .channel import Channel
from .diary import Diary
from .memory import Memory
from .script import Script, load
from .terminal import DIM, Terminal


def main(arguments: list[str]) -> None:
    """Run on this terminal; the first prompt comes from a file, which may be empty.

    After `--resume ID` it goes on with the session it knew by that id, and leaves when it remembers none.
    """
    launch = os.environ.get("AO_LAUNCH")
    resumes = arguments[:1] == ["--resume"]
    memory = Memory(os.environ.get("AO_SCRIPTED_HOME"), arguments[1] if resumes else "")
    arguments = arguments[2:] if resumes else arguments
    terminal, channel = Terminal(), Channel(launch)
    diary = Diary(os.environ.get("AO_DIARY"), os.environ.get("AO_SESSION", ""))
    agent = Agent(terminal, channel, float(os.environ.get("AO_SPEED") or 1), diary)
    if not resumes:  # before the script is read, so that it starts as fast as it can
        memory.begin()
        channel.push("ready", own=memory.own)
    names = {"session": os.environ.get("AO_SESSION", ""), "issue": os.environ.get("AO_ISSUE_ID", "")}
    terminal.show(f"Scripted agent of session {names['session']}. It plays {os.environ['AO_SCRIPT']}.", style=DIM)
    script = load(os.environ["AO_SCRIPT"], names)
    if resumes:
        if not memory.recall(script):
            terminal.show(f"I remember no session {memory.own}.")
            agent.leave(1)
        channel.push("ready", own=memory.own)
    actions.misbehave(agent, script.misbehave)
    if prompt := "".join(_text(path) for path in arguments):
        agent.waiting.append(prompt)
    try:
        while True:
            if agent.waiting:
                _turn(agent, script, memory)
            else:
                actions.suddenly(agent, agent.idle())
    except (EOFError, OSError):
        agent.leave(129)


def _turn(agent: Agent, script: Script, memory: Memory) -> None:
    prompt = agent.waiting.popleft()
    agent.busy = True
    try:
        agent.told(prompt)
        actions_of_it = script.play(prompt)
        memory.remember(script)
        last = actions.play(agent, actions_of_it)
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
