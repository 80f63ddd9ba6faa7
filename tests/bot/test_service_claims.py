"""A pull request is claimed over the interface: checks first, then the keeper, then what came of it."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.service import Service, claims
from runtime import claiming
from runtime.claiming import Outcome
from runtime.errors import ForgeRefused, UserError, WrongUse
from runtime.store import sessions
from tests.fakes.hands import Deeds
from tests.waiting import until


class FakeSender:
    """Says that a row was sent, or what went wrong."""

    error: Exception | None = None
    slow = False

    async def wait_for(self, key):
        if self.slow:
            await asyncio.sleep(3600)
        if self.error:
            raise self.error
        return {}


@pytest.fixture
def sender():
    return FakeSender()


@pytest.fixture
def hub():
    return SimpleNamespace(is_app=True)


@pytest.fixture
def service(bot, tmp_path, sender, hub, monkeypatch):
    async def fine(*_):
        return None

    monkeypatch.setattr(claims.claiming, "check_worktree", fine)
    deeds = Deeds(bot, tmp_path)

    async def me():
        return SimpleNamespace(login="machine")

    parts = SimpleNamespace(
        store=bot.store, projects=bot.projects, tmux=deeds.tmux, workspaces=deeds.workspaces, hands=deeds.hands,
        sender=sender, hub=hub, identity=SimpleNamespace(me=me),
    )  # fmt: skip
    return Service(parts, {})


async def carried_out(bot, github, pull, **known):
    """Play the keeper: what was asked for comes true."""
    await until(lambda: bot.rows("steps", name=claiming.ASKED))
    [row] = bot.rows("steps", name=claiming.ASKED)
    result = Outcome(key=row.data["key"], number=pull.number, **known)
    await bot.receives(github.pull(pull))
    session = bot.session
    await bot.store.write(lambda tx: claiming._settle(tx, session, result))
    return row.data


async def claim(service, pull, **more):
    return await service.claims.claim("app-1", str(pull), **{"assign": False, "by": None, **more})


async def test_claim_says_what_was_taken_and_from_whom(bot, github, service):
    await bot.starts()
    pull = github.open_pull()
    asking = asyncio.create_task(claim(service, f"https://github.example/Octo/app/pull/{pull.number}/files"))
    asked = await carried_out(bot, github, pull, branch_changed=True, taken_over_from=("app-9",))
    done = await asking
    assert (done.session_id, done.pr.number, done.branch_changed) == ("app-1", pull.number, True)
    assert (done.taken_over_from, done.github_assigned, done.github_assignment_error) == (["app-9"], False, None)
    assert (asked["by"], asked["assignee"]) == ("a person", "")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("twelve", "'twelve' is not a pull request: write its number"),
        ("https://github.example/other/app/pull/2", "belongs to another repository; app-1 works on octo/app"),
        ("99", "There is no pull request #99 in octo/app"),
    ],
)
async def test_what_is_no_pull_request_here_is_refused(bot, service, what, says):
    await bot.starts()
    with pytest.raises((UserError, WrongUse)) as refused:
        await claim(service, what)
    assert says in str(refused.value)
    assert bot.rows("steps", name=claiming.ASKED) == []


async def test_pull_request_of_a_fork_is_refused(bot, github, service):
    await bot.starts()
    with pytest.raises(UserError, match="comes from another repository"):
        await claim(service, github.open_pull(fork=True).number)


async def test_forge_that_refuses_to_answer_is_told(bot, github, service):
    await bot.starts()
    bot.forge.broken = ForgeRefused("not permitted", status=403)
    with pytest.raises(UserError, match="GitHub does not say: not permitted"):
        await claim(service, github.open_pull().number)


async def test_orchestrator_owns_no_pull_requests(bot, github, service):
    await bot.starts()
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", role="orchestrator"))
    with pytest.raises(UserError, match="is an orchestrator, which owns no pull requests"):
        await claim(service, github.open_pull().number)


async def test_session_that_waits_in_the_queue_is_given_none(bot, github, service):
    await bot.receives(github.label(github.open_issue()))
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", queue_position=1))
    with pytest.raises(UserError, match="app-1 has not started yet \\(number 1 in the queue\\): leave it a message"):
        await claim(service, github.open_pull().number)
    assert bot.rows("steps", name=claiming.ASKED) == []


async def test_what_the_keeper_could_not_do_is_told(bot, github, service):
    await bot.starts()
    pull = github.open_pull()
    asking = asyncio.create_task(claim(service, pull.number))
    await carried_out(bot, github, pull, error="the worktree has changes")
    with pytest.raises(UserError, match="the worktree has changes"):
        await asking


async def test_claim_does_not_wait_for_ever(bot, github, service, monkeypatch):
    monkeypatch.setattr(claims, "MOVED_WITHIN", 0.01)
    await bot.starts()
    with pytest.raises(UserError, match="app-1 is still being given #2"):
        await claim(service, github.open_pull().number)


async def assigned(bot, github, service, login):
    pull = github.open_pull()
    asking = asyncio.create_task(claim(service, pull.number, assign=True))
    asked = await carried_out(bot, github, pull)
    assert asked["assignee"] == login
    done = await asking
    return done.github_assigned, done.github_assignment_error


async def test_who_asked_on_github_is_assigned_for_an_app(bot, github, service):
    await bot.starts()
    assert await assigned(bot, github, service, "maintainer") == (True, None)


async def test_tokens_person_is_assigned(bot, github, service, hub):
    hub.is_app = False
    await bot.starts()
    assert await assigned(bot, github, service, "machine") == (True, None)


async def test_session_that_nobody_asked_for_on_github_has_no_assignee(bot, github, service):
    await bot.starts()
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", asked_by="a person"))
    done = await assigned(bot, github, service, "")
    assert done == (False, "an App cannot be an assignee, and app-1 was not asked for on GitHub")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"error": ForgeRefused("GitHub does not take machine", status=422)}, "GitHub does not take machine"),
        ({"slow": True}, "GitHub has not answered yet; it is tried again"),
    ],
)
async def test_assignment_that_fails_is_told_and_changes_nothing(
    bot, github, service, sender, monkeypatch, broken, says
):
    monkeypatch.setattr(claims, "ASSIGNED_WITHIN", 0.01)
    for name, value in broken.items():
        setattr(sender, name, value)
    await bot.starts()
    assert await assigned(bot, github, service, "maintainer") == (False, says)
