"""What is played after the story, so that something is alive to be tried by hand."""

from bot.demo import project
from bot.demo.acts import Story, claim
from bot.demo.stage import Stage


async def encore(stage: Stage) -> Story:
    """Open one more issue and return when its pull request is open."""
    story = Story(stage)
    story.issue = await stage.maintainer.open_issue(project.NEXT_TITLE, project.NEXT_BODY)
    await stage.maintainer.label(story.issue, "agent")
    await claim(story)

    async def opened() -> int | None:
        pulls = await stage.maintainer.get("/pulls?state=open")
        return int(pulls[0]["number"]) if pulls else None

    story.pull = await story.until("the agent opens a pull request", opened)
    return story
