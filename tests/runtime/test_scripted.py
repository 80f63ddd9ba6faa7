"""The scripted agent."""

import asyncio
import os
import subprocess

import pytest

from runtime import agents
from runtime.errors import UserError
from runtime.launch import LaunchPlace
from tests.waiting import json_lines


def git(worktree, *args):
    done = subprocess.run(["git", "-C", worktree, *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def rule(*actions, match=""):
    listed = ", ".join(actions)
    return f"[[rule]]\nmatch = '''{match}'''\nactions = [{listed}]\n"


async def test_first_prompt_is_taken_from_the_launch(desk):
    seat = await desk.seat(
        rule('{say = "Hi, {{1}} in {session} for #{issue}."}', match=r"I am (\w+)"), prompt="I am Ann\n"
    )
    assert (await seat.pushed("prompt"))["text"] == "I am Ann\n"
    assert (await seat.pushed("turn_ended"))["last_message"] == "Hi, Ann in s-1 for #7."
    assert [push["kind"] for push in seat.pushes()] == ["started", "ready", "prompt", "turn_ended"]


async def test_first_matching_rule_decides_and_a_used_up_one_is_passed_over(desk):
    script = "[[rule]]\nmatch = 'fix'\ntimes = 1\nactions = [{say = 'once'}]\n" + rule('{say = "then"}', match="fix|x")
    seat = await desk.seat(script)
    for number, expected in enumerate(["once", "then", "I have no instructions for this."], 1):
        await seat.told("please fix" if number < 3 else "hm")
        assert (await seat.pushed("turn_ended", number))["last_message"] == expected


async def test_files_are_written_changed_and_added_to(desk):
    script = rule(
        '{write_file = {path = "src/a.txt", content = "one\\ntwo\\n"}}',
        '{replace = {path = "src/a.txt", old = "two", new = "2"}}',
        '{append_file = {path = "src/a.txt", content = "three\\n"}}',
        '{say = "written"}',
    )
    seat = await desk.seat(script, prompt="go")
    assert (await seat.pushed("turn_ended"))["last_message"] == "written"
    assert (seat.worktree / "src/a.txt").read_text() == "one\n2\nthree\n"


async def test_commit_carries_the_session_and_goes_to_origin(desk):
    worktree, origin = desk.root / "s-1", desk.root / "origin.git"
    worktree.mkdir()
    git(worktree, "init", "-q", "-b", "ao/s-1")
    git(desk.root, "init", "-q", "--bare", str(origin))
    git(worktree, "remote", "add", "origin", str(origin))
    write = '{write_file = {path = "a.txt", content = "a"}}'
    seat = await desk.seat(rule(write, '{commit = {message = "Add a"}}', '"push"', '{commit = "Again"}'), prompt="go")
    assert (await seat.pushed("turn_ended"))["last_message"] == "Done."
    assert git(origin, "log", "--format=%s|%(trailers:key=Agent-Session,valueonly)", "ao/s-1") == "Add a|s-1"


async def test_pull_request_is_opened_with_gh(desk):
    shims = desk.root / "bin"
    shims.mkdir()
    (shims / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >called\n')
    (shims / "gh").chmod(0o755)
    request = '{pull_request = {title = "Add a; $(id)", body = "Closes #{issue}", draft = true}}'
    seat = await desk.seat(rule(request), prompt="go", PATH=f"{shims}:{os.environ['PATH']}")
    await seat.pushed("turn_ended")
    called = (seat.worktree / "called").read_text().splitlines()
    assert called == ["pr", "create", "--title", "Add a; $(id)", "--body", "Closes #7", "--draft"]


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ('{shell = "echo no luck; exit 3"}', "`echo no luck; exit 3` ended with 3: no luck"),
        ('"push"', "ended with 128"),
        ('{replace = {path = "none", old = "a", new = "b"}}', "No such file"),
        ('"dance"', "The script asks for `dance`"),
    ],
)
async def test_failed_action_ends_the_turn_with_what_went_wrong(desk, failing, words):
    seat = await desk.seat(rule(failing, '{say = "not reached"}'), prompt="go")
    assert words in (await seat.pushed("turn_ended"))["last_message"]
    assert "not reached" not in await seat.tmux.capture(seat.pane)


async def test_command_that_may_fail_goes_on(desk):
    seat = await desk.seat(rule('{shell = {command = "exit 3", may_fail = true}}', '{say = "on"}'), prompt="go")
    assert (await seat.pushed("turn_ended"))["last_message"] == "on"


async def test_person_who_attaches_can_read_what_happens(desk):
    seat = await desk.seat(rule('{shell = "echo $((6 * 7))"}', '{say = "The answer is there."}'), prompt="the question")
    await seat.pushed("turn_ended")
    screen = [line.rstrip() for line in (await seat.shows("The answer is there.\n>")).splitlines() if line]
    assert screen[1:] == ["> the question", "$ echo $((6 * 7))", "  42", "The answer is there.", ">"]


async def test_prompts_typed_during_a_turn_are_taken_after_it(desk):
    seat = await desk.seat(rule("{sleep = 0.2}", '{say = "done"}'))
    for text in ("first", "second\nwith two lines", "third"):
        await seat.told(text)
    await seat.pushed("turn_ended", 3)
    assert [push["kind"] for push in seat.pushes()][2:] == ["prompt", "turn_ended"] * 3
    assert [push["text"] for push in seat.pushes("prompt")] == ["first", "second\nwith two lines", "third"]


async def test_higher_speed_sleeps_less(desk):
    seat = await desk.seat(rule("{sleep = 600}"), prompt="go", AO_SPEED="10000")
    await seat.pushed("turn_ended")


@pytest.mark.parametrize(("key", "last"), [("y", "allowed"), ("Enter", "allowed"), ("n", "Not allowed: touch it?"),
                                           ("Escape", "Not allowed: touch it?")])  # fmt: skip
async def test_permission_is_asked_and_answered(desk, key, last):
    seat = await desk.seat(rule('{ask_permission = {question = "touch it?"}}', '{say = "allowed"}'), prompt="go")
    assert (await seat.pushed("waiting"))["question"] == "touch it?"
    assert not seat.pushes("turn_ended")
    await seat.tmux.press(seat.pane, key)
    assert (await seat.pushed("turn_ended"))["last_message"] == last
    assert [push["kind"] for push in seat.pushes()][2:] == ["prompt", "waiting", "resumed", "turn_ended"]


async def test_dialog_swallows_a_paste_and_takes_its_enter_for_yes(desk):
    seat = await desk.seat(rule('{ask_permission = "touch it?"}', '{say = "allowed"}'), prompt="go")
    await seat.pushed("waiting")
    await seat.told("no, please do not")
    assert (await seat.pushed("turn_ended"))["last_message"] == "allowed"
    assert len(seat.pushes("prompt")) == 1


@pytest.mark.parametrize(("action", "ended"), [("{crash = {code = 9}}", {"code": "9"}), ("{crash = 0}", {"code": "0"}),
                                               ("{signal = 9}", {"signal": "9"})])  # fmt: skip
async def test_agent_dies_as_told(desk, action, ended):
    seat = await desk.seat(rule(action), prompt="go")
    assert ended.items() <= (await seat.pushed("exited")).items()
    assert not seat.pushes("turn_ended")


async def test_agent_knows_since_when_its_dialog_has_been_on_the_screen(desk):
    seat = await desk.seat(rule('{ask_permission = "touch it?"}'), prompt="go", AO_DIARY=str(desk.root))
    await seat.pushed("waiting")
    async with asyncio.timeout(30):
        while not any(line.get("age") for line in json_lines(desk.root / "s-1.jsonl")):
            await seat.tmux.press(seat.pane, "x")  # answers nothing; the terminal's own answer may still be on its way
            await asyncio.sleep(0.01)


async def test_stuck_turn_ends_only_when_interrupted(desk):
    seat = await desk.seat(rule('"stuck"'), prompt="go")
    await seat.pushed("prompt")
    await seat.tmux.press(seat.pane, "Escape")
    assert (await seat.pushed("turn_ended"))["last_message"] == "Interrupted."


async def test_interrupt_ends_a_running_command(desk):
    seat = await desk.seat(rule('{shell = "echo started; exec sleep 60"}'), prompt="go")
    await seat.shows("  started")
    await seat.tmux.press(seat.pane, "C-c")
    await seat.pushed("turn_ended")


async def test_idle_agent_leaves_at_the_second_interrupt(desk):
    seat = await desk.seat()
    await seat.tmux.press(seat.pane, "C-c")
    await seat.shows("Press C-c again")
    await seat.tmux.press(seat.pane, *agents.named("scripted").quit_keys)
    assert (await seat.pushed("exited"))["code"] == "0"


async def test_flood_ends_and_the_agent_still_listens(desk):
    seat = await desk.seat(rule("{flood = {lines = 3000}}", match="flood") + rule('{say = "here"}'))
    await seat.told("flood")
    await seat.pushed("turn_ended")
    await seat.told("still there?")
    assert (await seat.pushed("turn_ended", 2))["last_message"] == "here"


async def test_agent_can_leave_a_shell_behind(desk):
    seat = await desk.seat(rule('"leave_shell"'), prompt="go")
    await seat.shows("shell$ ")
    await seat.tmux.press(seat.pane, "e", "c", "h", "o", "Space", "$", "0", "Enter")
    await seat.shows("\nsh\n")


async def test_hostile_prompt_does_not_reach_the_terminal(desk):
    seat = await desk.seat(prompt="\x1b]0;title\x07\x1b[2J\x9b5nhello\n" + "line\n" * 100)
    assert "hello" in await seat.shows("and 72 more lines")


def test_script_is_needed(tmp_path):
    task = agents.Task(session="s-1", prompt="", worktree=tmp_path, repository=tmp_path)
    with pytest.raises(UserError, match="script:"):
        agents.named("scripted").prepare(LaunchPlace(tmp_path), task)


def test_new_agent_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "dummy.py").write_text("class Dummy:\n    name = 'dummy'\n\nAGENT = Dummy()\n")
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(tmp_path)])
    assert {"dummy", "scripted"} <= agents.load().keys()
    assert agents.named("dummy").name == "dummy"


def test_unknown_agent_names_the_known_ones():
    with pytest.raises(UserError, match=r"no agent `gpt`.*scripted"):
        agents.named("gpt")


async def test_agents_without_a_service_lose_nothing(desk):
    seat = await desk.seat(rule('{say = "ok"}'), prompt="go")
    await asyncio.gather(*(seat.pushed(kind) for kind in ("started", "ready", "prompt", "turn_ended")))


TWICE = "[[rule]]\nmatch = 'go'\ntimes = 1\nactions = [{say = 'the first'}]\n" + rule(
    '{say = "the second"}', match="go"
)


async def test_resumed_agent_goes_on_where_its_session_was(desk):
    seat = await desk.seat(TWICE, prompt="go")
    assert (await seat.pushed("turn_ended"))["last_message"] == "the first"
    own = seat.pushes("ready")[0]["own"]
    await desk.tmux.kill_session("s-1")
    again = await desk.seat(TWICE, prompt="go", resume=own)
    assert (await again.pushed("turn_ended", 2))["last_message"] == "the second"
    assert again.pushes("ready")[1]["own"] == own


async def test_agent_that_remembers_no_such_session_leaves_without_a_word(desk):
    seat = await desk.seat(TWICE, prompt="go", resume="abc123", waits=False)
    await seat.died()
    assert "I remember no session abc123." in await desk.tmux.capture(seat.pane)
    assert [push["kind"] for push in seat.pushes()] == ["started", "exited"]
