"""Messages into sessions that misbehave at random: none lost, none doubled, none typed into a dialog or a shell.

What the agents' own diaries say counts, and what stands on their terminals; not what the service believes.
"""

import asyncio
import random
import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from runtime.composer import as_terminal_text
from runtime.facts import Process
from runtime.processes import is_agent
from runtime.restore import bring_back, why_not
from runtime.store import facts, messages
from tests.runtime.crowd import Crowd, crowd

SPELLS = {
    "nothing": ([], 8),
    "swallows": (["{swallow_enter = 1}"], 4),
    "swallows twice": (["{swallow_enter = 2}"], 1),
    "late": (["{echo_late = 0.25}"], 3),
    "very late": (["{echo_late = 1.1}"], 1),
    "deaf": (["{deaf = {messages = 1}}"], 3),
    "deaf for a while": (["{deaf = {seconds = 0.5}}"], 1),
    "asks": (["{ask_permission = 'May I?'}"], 2),
    "dialog": (["{dialog_before_paste = 1}"], 3),
    "sudden dialog": (["{dialog_in = 0.03}"], 2),
    "dialog soon": (["{dialog_in = 0.2}"], 2),
    "thinks": (["{sleep = 0.1}"], 3),
    "floods": (["{flood = 500}"], 1),
    "floods and is late": (["{flood = 500}", "{echo_late = 0.2}"], 1),
    "late and a dialog": (["{echo_late = 0.5}", "{dialog_before_paste = 1}"], 1),
    "puts it back": (["{restore_prompt = 1}", "'stuck'"], 1),
    "dies": (["{die_after_paste = 1}"], 1),
    "crashes": (["{shell = {command = 'mkdir it{{1}} && kill -9 $PPID', may_fail = true}}"], 1),
    "becomes a shell": (["{shell_in = 0.02}"], 1),
}
HARMLESS = {"~", ".", "Backspace", "C-u", ""}
PERSON = {"y"}
AGAIN = 4.0
"""A person whose key an agent has swallowed presses it again after so many seconds."""


class Into(NamedTuple):
    """A paste that went ahead."""

    life: int
    """The process that it went to."""
    looked: float
    """When it began to be looked whether it still may."""
    was_shell: bool
    """What that process had already become then."""
    text: str


def script():
    def rule(spell, actions):
        listed = ", ".join([*actions, "{say = 'ok'}"])
        return f"[[rule]]\nmatch = '#(\\d+)# <{spell}>'\nactions = [{listed}]\n"

    return "".join(rule(spell, actions) for spell, (actions, _) in SPELLS.items())


class World(Crowd):
    """A crowd, whoever talks to it, and whoever makes trouble."""

    def __init__(self, root, script, count, stories, *, seed):
        super().__init__(root, script, count)
        self.random, self.sent = random.Random(seed), {}
        self.pastes = []
        self.watch_pastes()
        self.answered = {name: (0.0, 0.0) for name in self.names}

    def watch_pastes(self):
        """Note each paste that went ahead."""
        paste = self.tmux.paste

        def watched(pane, text, *, still, **more):
            shown = [self.seen(name) for name in self.names]
            life = next(one.facts.process.pid for one in shown if one.steps.get("terminal", {}).get("pane") == pane)

            def last_look():
                into = Into(life, time.monotonic(), is_shell(life), text)
                if not still():
                    return False
                self.pastes.append(into)
                return True

            return paste(pane, text, still=last_look, **more)

        self.tmux.paste = watched

    def text(self, number):
        """Words for message `number`: short, long, with a first line like all others, or like a command."""
        spell = self.random.choices(list(SPELLS), [weight for _, weight in SPELLS.values()])[0]
        mark = f"#{number}# <{spell}>"
        line = f"touch {self.root}/run-by-a-shell"
        forms = [
            mark,
            f"Ann commented:\n{line}\n{mark}",
            f"/{mark} ünï 👩",
            f"{mark}\n" + "a long line of text\n" * 400,
        ]
        return self.random.choice([*forms, mark, f"Ann commented:\n{mark}\\"])

    async def send(self, count):
        """Put messages into random inboxes, some at once, some after a while."""
        for number in range(count):
            name, text = self.random.choice(self.names), self.text(number)
            kind = self.random.choice(["person", "person", "person", "notice"])
            self.sent[number] = await self.store.write(
                lambda tx, name=name, text=text, kind=kind, number=number: messages.add(
                    tx, name, kind=kind, source_key=f"m:{number}", author="me", parts={"body": text}
                )
            )
            if self.random.random() < 0.1:
                await asyncio.sleep(self.random.random() * 0.2)

    async def person(self):
        """Answer what agents ask, again when that got lost, and interrupt one that is stuck."""
        while True:
            await asyncio.sleep(0.1)
            for name in self.names:
                turn, pane = self.seen(name).facts.turn, self.seen(name).steps.get("terminal")
                if turn is None or pane is None:
                    continue
                of, pressed = self.answered[name]
                if of == turn.at and (turn.state != "waiting" or time.monotonic() < pressed + AGAIN):
                    continue
                if turn.state == "waiting":
                    self.answered[name] = turn.at, time.monotonic()
                    await self.tmux.press(pane["pane"], "y")
                elif turn.state == "active" and "stuck" in self.doing(name):
                    self.answered[name] = turn.at, time.monotonic()
                    await self.tmux.press(pane["pane"], "Escape")

    def doing(self, name):
        took = [line for line in self.diary(name) if line["what"] == "took"]
        return "stuck" if took and "<puts it back>" in took[-1]["text"] else ""

    async def mischief(self):
        """Put panes into copy mode."""
        while True:
            await asyncio.sleep(self.random.random() * 0.3)
            pane = self.seen(self.random.choice(self.names)).steps.get("terminal")
            if pane is not None:
                await self.tmux._run("copy-mode", "-t", pane["pane"])

    async def revive(self):
        """Bring back whoever has ended, as `ao send` does."""
        while True:
            await asyncio.sleep(0.2)
            for name in self.names:
                seen = self.seen(name)
                if seen.session.live and seen.facts.turn and not is_agent(seen.facts.process):
                    gone = Process(at=time.time(), state="exited", exit_code=0)
                    await self.store.write(lambda tx, n=name, gone=gone: facts.learn(tx, n, gone, source="test"))
                elif why_not(seen) is None and seen.facts.cleaned is None:
                    await self.store.write(lambda tx, seen=seen: bring_back(tx, seen.session, by="me"))

    async def until_all_have_arrived(self, count, within):
        end = time.monotonic() + within
        while True:
            states = [one for one in self.messages() if one.kind != "task"]
            open_ = [one for one in states if one.state not in ("accepted", "answered")]
            if len(states) == count and not open_:
                return
            if time.monotonic() > end:
                pytest.fail(await self.report(open_))
            await asyncio.sleep(0.1)

    async def report(self, waiting):
        """Tell what keeps messages from their agents."""
        screens, lines = await self.screens(), []
        for name in sorted({one.session_id for one in waiting}):
            seen = self.seen(name)
            lines.append(f"{name} live={seen.session.live} {seen.session.announced_status}: {seen.facts.process}")
            lines.append(f"  {seen.facts.turn} {sorted(seen.steps)}")
            own = [one for one in waiting if one.session_id == name]
            lines += [f"  {one.id} {one.state} {one.attempts}: {one.evidence}" for one in own[:3]]
            lines += [f"    | {line[:100]}" for line in screens.get(name, "").splitlines()[-8:]]
        return "\n".join([f"{len(waiting)} wait", *lines])


async def play(seed, count, sessions, within):
    others = (World.person, World.mischief, World.revive)
    async with crowd(script(), sessions, *others, made=World, seed=seed) as made:
        await made.send(count)
        await made.until_all_have_arrived(count, within)
        judge(made, count, await made.screens())


def judge(made, count, screens):
    by_id = {one.id: one for one in made.messages()}
    took = [(name, line) for name in made.names for line in made.diary(name) if line["what"] == "took"]
    heard = {}
    for name, line in took:
        if found := re.search(r"#(\d+)#", line["text"]):
            heard.setdefault(int(found[1]), []).append((name, line["life"], line["text"]))
    lost = [number for number in range(count) if number not in heard]
    assert lost == []
    # An agent that ended while it worked on a message is asked again in its next life, but never twice in one.
    doubled = {number: lives for number, lives in heard.items() if len({one[:2] for one in lives}) != len(lives)}
    assert doubled == {}
    wrong = {
        number: text for number, lives in heard.items() for _, _, text in lives
        if text != as_terminal_text(by_id[made.sent[number]].parts["body"])
    }  # fmt: skip
    assert wrong == {}
    typed = [(name, line) for name in made.names for line in made.diary(name) if line["what"] == "dialog"]
    # What was typed before the terminal itself had shown the dialog cannot be called back. The age counts from then.
    late = [line for _, line in typed if line["age"] is not None]
    # A paste that was on its way is swallowed, and no Enter follows it.
    pastes = [line for line in late if line["kind"] == "paste"]
    assert [line for line in pastes if looked(made, line) > line["at"] - line["age"]] == []
    keys = [line for line in late if line["kind"] != "paste"]
    pressed = {char for line in keys for char in ([line["value"]] if line["kind"] == "key" else line["value"])}
    assert pressed <= HARMLESS | PERSON
    assert [into for into in made.pastes if into.was_shell] == []
    # Nor can a paste be called back that was on its way when the agent became a shell.
    if any(into_shells(made, name) for name in made.names):
        return
    assert not (made.root / "run-by-a-shell").exists()
    for screen in screens.values():
        for _, _, after in (part.partition("shell$ ") for part in screen.splitlines() if "shell$ " in part):
            assert after.strip() == "", screen[-500:]


def is_shell(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "sh\n"
    except OSError:
        return False


def looked(made, line):
    """When it was last looked whether the paste of a line in the diary may go ahead."""
    into = (one for one in made.pastes if (one.life, one.text) == (line["life"], line["value"]))
    return max(one.looked for one in into if one.looked < line["at"])


def into_shells(made, name):
    """The pastes that agents have not taken because they became shells."""
    found = []
    for life in {line["life"] for line in made.diary(name) if line["what"] == "shell"}:
        taken = (line["at"] for line in made.diary(name) if (line["life"], line["what"]) == (life, "took"))
        last = max(taken, default=0.0)
        found += [one for one in made.pastes if one.life == life and one.looked > last]
    return found


async def test_two_hundred_messages_reach_agents_that_misbehave():
    await play(11, 200, 10, within=300)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
async def test_a_thousand_messages_reach_agents_that_misbehave(seed):
    await play(seed, 1000, 20, within=600)
