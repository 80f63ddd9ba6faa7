"""An agent that is killed and restored goes on with its own session, in a worktree as it left it."""

from bot.demo.acts import Story
from tests.e2e.play import set_stage, short_directory
from tests.e2e.test_spawn import ao, settled

COUNTING = """
[[rule]]
match = 'You were cut off'
actions = [{say = "Going on."}]

[[rule]]
match = 'count'
times = 1
actions = [{write_file = {path = "draft.txt", content = "half an idea"}}, {say = "That was one."}]

[[rule]]
match = 'count'
actions = [{say = "I remember one, so this is two."}]
"""


async def test_killed_agent_goes_on_with_its_own_session_after_a_restore():
    with short_directory() as home:
        async with set_stage(home, rules=COUNTING) as stage:
            story = Story(stage, patience=60.0)
            assert (await ao(stage, "spawn", "--prompt", "count"))[0] == 0
            [before] = await settled(story, 1)
            draft = stage.service.data / "worktrees" / "names" / "nam-1" / "draft.txt"
            assert (before["summary"], draft.read_text()) == ("That was one.", "half an idea")
            assert "Its unpushed work is kept" in (await ao(stage, "session", "kill", "nam-1"))[1]
            assert not draft.exists()
            code, shown, said = await ao(stage, "session", "restore", "nam-1")
            assert (code, said) == (0, "")
            assert "Its work that was not committed is in the worktree again.\n" in shown
            assert shown.endswith("Its agent goes on with its own session.\n")
            assert draft.read_text() == "half an idea"
            assert (await ao(stage, "send", "nam-1", "count"))[1] == "✓ Message sent and processing\n"
            [after] = await settled(story, 1)
            assert after["agentInfo"]["agentSessionId"] == before["agentInfo"]["agentSessionId"]
            assert after["summary"] == "I remember one, so this is two."
