"""How often the bot asks GitHub for anything in the whole story, from the label to the cleaned-up merge."""

from bench.figure import Figure
from bench.rooms import room
from bot.demo.acts import ACTS, Story
from bot.demo.stage import stage


async def calls() -> list[Figure]:
    """Play the demo's story and count."""
    async with stage(room()) as made:
        story = Story(made)
        for _, act in ACTS:
            await act(story)
        count = made.bot_calls()
    return [Figure("calls", count, "", 25, note="label, pull request, red CI, review, comment, merge; git excepted")]
