"""Pushes, by our agents and by others."""

from tests.fakes.github import REPO, SHA


async def test_push_lets_the_next_spawn_fetch_first(bot, github):
    pushed = bot.store.topic(f"pushed:{REPO}")
    await bot.receives(github.push("main"))
    assert pushed.is_set()


async def test_checks_of_a_pushed_commit_find_the_session(bot, github):
    await bot.starts()
    await bot.receives(github.push("people/branch", SHA, "Greet\n\nAgent-Session: app-1"))
    await bot.receives(github.check("tests", "success", branch="people/branch"))
    assert [check.name for check in bot.facts.checks] == ["tests"]


async def test_trailer_has_to_stand_on_a_line_of_its_own(bot, github):
    await bot.starts()
    await bot.receives(github.push("people/branch", SHA, "see Agent-Session: app-1 for more"))
    entry = await bot.receives(github.check("tests", "failure", branch="people/branch"))
    assert entry.skip_reason == "no live session for this commit"


async def test_deleted_branch_leads_nowhere(bot, github):
    await bot.starts()
    await bot.receives(github.push("ao/app-1", "0" * 40, deleted=True))
    entry = await bot.receives(github.check("tests", "failure", "0" * 40, branch="other"))
    assert entry.skip_reason == "no live session for this commit"


async def test_number_of_a_branch_that_somebody_else_pushed_is_not_given_out(bot, github):
    await bot.receives(github.push("ao/app-6"))
    await bot.receives(github.push("ao/other-9"))
    await bot.receives(github.label(github.open_issue()))
    assert bot.session.id == "app-7"
