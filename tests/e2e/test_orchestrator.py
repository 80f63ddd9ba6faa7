"""An orchestrator and its workers for real: agents that start each other and talk, and one that is cut off."""

from tests.e2e.play import set_stage, short_directory
from tests.e2e.test_service import rows

RULES = r"""
[[rule]]
match = 'You coordinate'
actions = [
    {shell = "ao spawn --prompt 'Write the greeting'"},
    {write_file = {path = "mine.txt", content = "not allowed\n"}},
    {say = "One worker started."},
]

[[rule]]
match = 'Write the greeting'
actions = [
    {shell = "ao spawn --prompt 'Write the farewell'"},
    {shell = "ao send names-orchestrator 'The greeting is written'"},
    {say = "Greeting written."},
]

[[rule]]
match = 'Write the farewell'
actions = [{shell = "ao send nam-1 'The farewell is written'"}, {say = "Farewell written."}]

[[rule]]
match = '\[from (\S+)\]'
actions = [{say = "Heard {{1}}."}]
"""


async def test_agents_start_each_other_talk_and_end_together():
    with short_directory() as home:
        async with set_stage(home, rules=RULES) as stage:
            made = await stage.service.post("/api/v1/projects/names/orchestrator", {})
            print(made)
