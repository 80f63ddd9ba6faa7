"""What is known of an agent right before something is typed to it."""

from runtime.ear import Ear
from runtime.processes import is_agent
from tests.runtime.crowd import crowd
from tests.waiting import until

BECOMES_A_SHELL = """
[[rule]]
match = 'leave'
actions = [{shell = 'until [ -e go ]; do sleep 0.01; done'}, 'leave_shell']

[[rule]]
match = ''
actions = [{say = 'ok'}]
"""


async def test_agent_that_has_become_a_shell_without_a_word_is_not_unchanged():
    async with crowd(BECOMES_A_SHELL) as here:
        await here.turn("ready")
        await here.say("leave")
        await here.turn("active")
        ear = Ear(here.hands, "app-1")
        seen = await ear.look()
        assert ear.is_unchanged()
        (here.root / "trees" / "app-1" / "go").touch()
        await until(lambda: not is_agent(seen.facts.process))
        assert seen.has_read(here.hands.place("app-1").pushes)
        assert not ear.is_unchanged()
