"""Claude Code and Codex as the service runs them: started, told, asked, interrupted, ended."""

import json

import pytest

from runtime.pushes import Blocked, Exited, Prompt, Ready, Resumed, Started, TurnEnded, Waiting

BOTH = pytest.mark.parametrize("name", ["claude-code", "codex"])
TASK = "Please say hello.\n\nIt is `important`, $(really) \"so\" 'it is'."


@BOTH
async def test_task_and_a_message_are_accepted_and_answered(theatre, name):
    stage = await theatre([("say hello", [{"say": "Hello."}]), ("commented", [{"say": "Noted."}])])
    agent = await stage.play(name, TASK)
    assert (await agent.pushed(Prompt)).text == agent.first
    assert (await agent.pushed(TurnEnded)).last_message == "Hello."
    assert (await agent.told("bob commented on #3:\n```text\n/quit !ls\n```")).outcome == "accepted"
    assert (await agent.pushed(TurnEnded, 2)).last_message == "Noted."
    assert [type(push) for push in agent.read()] == [Started, Prompt, TurnEnded, Prompt, TurnEnded]


@BOTH
async def test_agent_works_in_its_worktree_without_asking_and_quits_with_its_exit_code(theatre, name):
    work = "echo done > work.txt && git add work.txt && git -c user.name=a -c user.email=a@b.invalid commit -qm work"
    stage = await theatre([("say hello", [{"shell": work}, {"say": "Committed."}])])
    agent = await stage.play(name, TASK)
    assert (await agent.pushed(TurnEnded)).last_message == "Committed."
    assert (stage.root / "s-1" / "work.txt").read_text() == "done\n"
    assert not (stage.root / "s-1" / ".claude").exists()
    await agent.quits()
    assert (await agent.pushed(Exited)).code == 0


@BOTH
async def test_decision_is_reported_as_waiting_until_a_person_has_made_it(theatre, name):
    stage = await theatre([("say hello", [{"ask": "touch asked.txt"}, {"say": "Thanks."}])])
    agent = await stage.play(name, TASK, permissions="ask")
    assert (await agent.pushed(Waiting)).question == "Bash: touch asked.txt"
    assert not (stage.root / "s-1" / "asked.txt").exists()
    await agent.shows({"claude-code": "Do you want to proceed?", "codex": "Press enter to confirm"}[name])
    await agent.answers({"claude-code": "1", "codex": "y"}[name])
    assert (await agent.pushed(Resumed)).question == "Bash: touch asked.txt"
    assert (await agent.pushed(TurnEnded)).last_message == "Thanks."


@BOTH
async def test_error_of_the_model_service_blocks_the_turn(theatre, name):
    stage = await theatre([("say hello", [{"say": "Hello."}]), ("go on", [{"error": 400}])])
    agent = await stage.play(name, TASK)
    await agent.pushed(TurnEnded)
    assert (await agent.told("go on")).outcome == "accepted"
    assert "scripted error" in (await agent.pushed(Blocked)).error


@BOTH
async def test_escape_of_a_person_makes_it_ready_for_the_next_message(theatre, name):
    stage = await theatre([("say hello", [{"slow": 400}]), ("go on", [{"say": "On."}])])
    agent = await stage.play(name, TASK)
    await agent.pushed(Prompt)
    await agent.shows("w3")
    await agent.tmux.press(agent.pane, "Escape")
    await agent.pushed(Ready)
    assert (await agent.told("go on")).outcome == "accepted"
    assert (await agent.pushed(TurnEnded)).last_message == "On."


@BOTH
async def test_task_and_message_of_any_length_arrive_whole(theatre, name):
    stage = await theatre([("Your task is too long", [{"say": "Read."}]), ("long message", [{"say": "Long."}])])
    agent = await stage.play(name, "word " * 40_000)
    assert (await agent.pushed(Prompt)).text == agent.first
    assert (stage.root / "launch" / "s-1" / "task.md").read_text() == "word " * 40_000
    await agent.pushed(TurnEnded)
    message = "a long message\n" + "\n".join(f"line {number} of the log" for number in range(1000))
    assert (await agent.told(message)).outcome == "accepted"
    assert (await agent.pushed(TurnEnded, 2)).last_message == "Long."


@BOTH
async def test_ended_conversation_is_taken_up_again(theatre, name):
    stage = await theatre([("say hello", [{"say": "Hello."}]), ("go on", [{"say": "As I said."}])])
    agent = await stage.play(name, TASK)
    await agent.pushed(TurnEnded)
    own = json.loads(agent.place.pushes.read_text().splitlines()[-1])["hook"]["session_id"]
    await agent.quits()
    await agent.pushed(Exited)
    await stage.tmux.kill_session("s-1")
    again = await stage.play(name, "go on", resume=own)
    assert (await again.pushed(Prompt)).text == "go on"
    assert (await again.pushed(TurnEnded)).last_message == "As I said."
    assert "Hello." in await stage.tmux.capture(again.pane)
