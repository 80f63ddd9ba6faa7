"""Errands of agents, with what they start checked as `ao spawn` does where nothing outside is asked."""

from runtime.errands import Errands
from runtime.preflight import Order
from runtime.wish import Wish
from tests.fakes.bot import Bot


def errands_of(bot: Bot) -> Errands:
    async def ordered(wish: Wish) -> Order:
        wish.says_something()
        text, (project, number) = wish.text(), wish.place(bot.projects)
        issue = await bot.forge.issue(project.repo, number) if number is not None else None
        title = issue.title if issue else text.splitlines()[0].lstrip("# ")
        return Order(
            project=project, issue=number, title=title, task=text, agent=wish.agent or project.agent, model=None,
            base="main", branch=None, pull=None, by=wish.by, author=issue.author if issue else "",
        )  # fmt: skip

    return Errands(bot.store, bot.projects, ordered=ordered, may_write=bot.people.may_write)
