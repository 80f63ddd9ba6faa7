"""A running session is given a pull request, with real worktrees; whoever had it keeps all its work."""

import asyncio
import itertools
import subprocess

import pytest

from runtime import claiming
from runtime.claiming import Ask, Outcome
from runtime.errors import ForgeBusy, GitFailed, Retryable, UserError
from runtime.facts import Check, Pushed
from runtime.keeper import Keeper
from runtime.look import look
from runtime.preserve import kept_refs
from runtime.said import Claimed
from runtime.store import messages, sessions
from runtime.switching import on_branch, switch
from runtime.workspaces import Workspaces
from tests.fakes.hands import Deeds, nothing_beside
from tests.waiting import until

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.org")


def git(worktree, *args):
    return subprocess.run(
        ["git", *WHO, *args], cwd=worktree, check=True, capture_output=True, text=True
    ).stdout.strip("\n")  # fmt: skip


@pytest.fixture
def deeds(bot, place, repository):
    made = Deeds(bot, place)
    workspaces = Workspaces(place, repository.git, bot.forge, bot.store, bot.projects, spawns_at_once=2)
    workspaces.repositories.known["app"] = repository
    return Deeds(bot, place, workspaces=workspaces, tmux=made.tmux)


class Scene:
    """Two sessions with worktrees, and a pull request of the branch `feature`."""

    def __init__(self, bot, github, deeds, forge):
        self.bot, self.github, self.deeds, self.forge = bot, github, deeds, forge
        self.workspaces = deeds.hands.workspaces

    async def set(self, branch="feature"):
        for _ in range(2):
            session = await self.bot.starts()
            await self.workspaces.open(session, self.deeds.hands.gate(session.id), beside=nothing_beside)
        base = self.forge.sha("main")
        self.sha = self.forge.commit(branch, onto=base, app__py="theirs\n", feature__txt="new\n")
        self.pull = self.github.open_pull(branch, self.sha)
        return self

    def seen(self, name="app-1"):
        return self.bot.store.read(lambda sql: look(sql, name))

    def worktree(self, name="app-1"):
        return self.workspaces.worktree(self.seen(name).session)

    async def ask(self, name="app-1", key="k1k1k1k1", **more):
        wanted = Ask(key=key, number=self.pull.number, by="me", **more)
        session = self.seen(name).session
        await self.bot.store.write(lambda tx: claiming.ask(tx, session, wanted))

    async def claim(self, name="app-1", key="k1k1k1k1", **more):
        await self.ask(name, key, **more)
        await claiming.carry_out(self.deeds.hands, self.seen(name))
        return claiming.outcome(self.seen(name))

    def told(self, name):
        found = self.bot.store.read(lambda sql: messages.of_session(sql, name))
        return [message.parts["body"] for message in found if message.kind == "person"]


@pytest.fixture
async def scene(bot, github, deeds, forge):
    return await Scene(bot, github, deeds, forge).set()


async def test_worktree_moves_to_the_pull_requests_branch_and_the_agent_is_told(scene):
    done = await scene.claim()
    assert done == Outcome(key="k1k1k1k1", number=scene.pull.number, branch_changed=True)
    session, worktree = scene.seen().session, scene.worktree()
    assert session.branch == "feature"
    assert git(worktree, "status", "--short", "--branch").split("...")[0] == "## feature"
    assert git(worktree, "rev-parse", "HEAD") == scene.sha
    assert (worktree / "feature.txt").read_text() == "new\n"
    assert scene.seen().facts.pull_request.number == scene.pull.number
    assert claiming.ASKED not in scene.seen().steps
    [told] = scene.told("app-1")
    assert f"You work on pull request #{scene.pull.number} now" in told and "branch `ao/app-1` stays" in told
    assert not [deed for deed in scene.deeds.did if "session" in deed]


async def test_deliveries_about_it_find_the_session_from_then_on(scene, bot, github):
    await scene.claim()
    scene.pull.changed_at += 60
    await bot.receives(github.comment(scene.pull, "Nice."))
    assert scene.seen().waiting[-1].parts["body"] == "Nice."


async def test_uncommitted_changes_are_refused_and_nothing_changes(scene):
    (scene.worktree() / "draft.txt").write_text("half\n")
    with pytest.raises(UserError, match="app-1 has changes that are not committed: commit them there"):
        await claiming.check_worktree(
            scene.deeds.hands, scene.seen(), await scene.bot.forge.pull("o/n", scene.pull.number)
        )
    done = await scene.claim()
    assert "has changes that are not committed" in done.error
    assert (scene.seen().session.branch, on_branch(repository(scene), scene.worktree())) == ("ao/app-1", "ao/app-1")
    assert (scene.worktree() / "draft.txt").read_text() == "half\n"
    assert scene.seen().facts.claimed == ()


def repository(scene):
    return scene.workspaces.repository(scene.seen().session)


async def test_branch_that_there_is_no_room_for_is_refused_and_nothing_changes(scene):
    await repository(scene).run("update-ref", "refs/heads/feature/old", scene.forge.sha("main"))
    assert "no room for feature beside the branch feature/old" in (await scene.claim()).error
    assert on_branch(repository(scene), scene.worktree()) == "ao/app-1"


@pytest.mark.parametrize("what", ["detached", "merge"])
async def test_worktree_in_the_middle_of_something_is_refused(scene, what):
    if what == "detached":
        git(scene.worktree(), "checkout", "-q", "--detach")
    else:
        (repository(scene).admin(scene.worktree()) / "MERGE_HEAD").write_text("x")
    assert "is in the middle of something" in (await scene.claim()).error


async def test_pull_request_that_is_closed_by_then_is_refused(scene):
    await scene.ask()
    scene.pull.state = "closed"
    await claiming.carry_out(scene.deeds.hands, scene.seen())
    assert "is closed: only an open one" in claiming.outcome(scene.seen()).error


async def test_busy_forge_is_waited_for(scene):
    await scene.ask()
    scene.bot.forge.broken = ForgeBusy("limited")
    with pytest.raises(ForgeBusy):
        await claiming.carry_out(scene.deeds.hands, scene.seen())
    scene.bot.forge.broken = None
    await claiming.carry_out(scene.deeds.hands, scene.seen())
    assert scene.seen().session.branch == "feature"


async def test_own_branch_needs_no_checkout(scene, forge):
    forge.commit("ao/app-1", onto=forge.sha("main"), app__py="one\n")
    scene.pull = scene.github.open_pull("ao/app-1", forge.sha("ao/app-1"))
    (scene.worktree() / "draft.txt").write_text("half\n")
    done = await scene.claim()
    assert (done.error, done.branch_changed) == ("", False)
    assert (scene.worktree() / "draft.txt").exists()


@pytest.fixture
async def owned(bot, github, deeds, forge):
    """A pull request of `app-2`, which has a commit and a file that nobody else has."""
    scene = await Scene(bot, github, deeds, forge).set("ao/app-2")
    tree = scene.worktree("app-2")
    await repository(scene).fetch()
    git(tree, "reset", "-q", "--hard", scene.sha)
    await bot.receives(github.pull(scene.pull))
    await bot.learns(Pushed(sha=scene.sha), Check(name="tests", head_sha=scene.sha, conclusion="failure"), name="app-2")
    (tree / "app.py").write_text("unpushed\n")
    git(tree, "commit", "-qam", "unpushed")
    (tree / "draft.txt").write_text("half\n")
    return scene


async def test_who_had_it_before_loses_it_and_keeps_all_its_work(owned):
    before = git(owned.worktree("app-2"), "rev-parse", "HEAD")
    done = await owned.claim()
    assert done.taken_over_from == ("app-2",)
    loser, tree = owned.seen("app-2"), owned.worktree("app-2")
    assert loser.session.branch == f"ao/app-2-after-{owned.pull.number}-k1k1"
    assert git(tree, "rev-parse", "--abbrev-ref", "HEAD") == loser.session.branch
    assert git(tree, "rev-parse", "HEAD") == before
    assert git(tree, "status", "--short") == "?? draft.txt"
    assert git(owned.worktree(), "rev-parse", "HEAD") == owned.sha
    [told] = owned.told("app-2")
    assert told.startswith(f"#{owned.pull.number} is now worked on by app-1.") and loser.session.branch in told


async def test_status_of_both_follows_the_pull_request(owned):
    assert owned.seen("app-2").session.announced_status == "ci_failed"
    await owned.claim()
    assert owned.seen("app-2").session.announced_status == "working"
    assert owned.seen("app-1").session.announced_status == "ci_failed"
    claims = [(one.number, one.taken_by) for one in owned.seen("app-2").facts.claimed]
    assert claims == [(owned.pull.number, "app-1")]


async def test_what_github_says_goes_to_the_new_owner_only(owned, bot, github):
    await owned.claim()
    await bot.receives(github.comment(owned.pull, "Nice."))
    assert [message.parts["body"] for message in owned.seen("app-1").waiting][-1] == "Nice."
    assert len(owned.told("app-2")) == 1
    owned.pull.changed_at += 60
    await bot.receives(github.merge(owned.pull))
    assert [one.id for one in bot.live] == ["app-2"]


async def test_claim_that_is_asked_for_again_changes_nothing(owned):
    await owned.claim()
    again = await owned.claim(key="k2k2k2k2")
    assert (again.error, again.branch_changed, again.taken_over_from) == ("", False, ())
    assert (len(owned.told("app-1")), len(owned.told("app-2"))) == (1, 1)


async def test_it_can_be_taken_back(owned):
    await owned.claim()
    git(owned.worktree("app-2"), "clean", "-qfd")
    done = await owned.claim("app-2", key="k2k2k2k2")
    assert (done.error, done.taken_over_from) == ("", ("app-1",))
    assert owned.seen("app-2").session.branch == "ao/app-2"
    assert owned.seen("app-2").facts.pull_request.number == owned.pull.number
    assert owned.seen("app-1").facts.pull_request is None
    assert git(owned.worktree("app-2"), "rev-parse", "HEAD") == owned.sha


async def test_failure_gives_the_branch_back(owned, monkeypatch):
    before = git(owned.worktree("app-2"), "rev-parse", "HEAD")

    async def in_the_way(*_, **__):
        raise UserError("a file is in the way")

    with monkeypatch.context() as patch:
        patch.setattr(claiming, "switch", in_the_way)
        assert (await owned.claim()).error == "a file is in the way"
    tree = owned.worktree("app-2")
    assert git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "ao/app-2"
    assert (git(tree, "rev-parse", "HEAD"), git(tree, "status", "--short")) == (before, "?? draft.txt")
    assert owned.seen("app-2").session.branch == "ao/app-2"
    assert (await owned.claim(key="k3k3k3k3")).error == ""


async def test_agents_git_that_is_at_work_is_waited_for(scene):
    await scene.ask()
    lock = repository(scene).admin(scene.worktree()) / "index.lock"
    lock.touch()
    with pytest.raises(Retryable, match="the agent's git is at work"):
        await claiming.carry_out(scene.deeds.hands, scene.seen())
    lock.unlink()
    await claiming.carry_out(scene.deeds.hands, scene.seen())
    assert scene.seen().session.branch == "feature"


async def test_files_that_cannot_be_written_are_told(scene, monkeypatch):
    run = type(repository(scene)).run

    async def full(self, *args, **more):
        if args[0] == "read-tree" and "-m" in args:
            raise GitFailed("git read-tree failed: No space left on device")
        return await run(self, *args, **more)

    monkeypatch.setattr(type(repository(scene)), "run", full)
    error = (await scene.claim()).error
    assert error.startswith("The disk of ")
    assert error.endswith(
        " is full: free some space there (The files of feature cannot be checked out for app-1: git read-tree failed: "
        "No space left on device)"
    )
    assert scene.seen().session.branch == "ao/app-1"


async def test_local_branch_of_that_name_is_kept_before_it_moves(scene):
    tree = scene.worktree("app-2")
    git(tree, "checkout", "-q", "-b", "feature")
    (tree / "app.py").write_text("ours\n")
    git(tree, "commit", "-qam", "ours")
    ours = git(tree, "rev-parse", "HEAD")
    git(tree, "checkout", "-q", "ao/app-2")
    assert (await scene.claim()).error == ""
    assert f"refs/ao/preserved/app-1/{ours[:12]}" in await kept_refs(repository(scene), "app-1")


async def test_branch_that_is_checked_out_elsewhere_is_refused(scene):
    git(scene.worktree("app-2"), "checkout", "-q", "-b", "feature")
    assert "feature is checked out in" in (await scene.claim()).error


@pytest.mark.parametrize("steps", [1, 2])
async def test_claim_that_was_cut_off_is_brought_to_its_end(owned, bot, steps):
    await owned.ask()
    written, write = itertools.count(1), bot.store.write

    async def dying(job, **more):
        if next(written) == steps:
            raise asyncio.CancelledError
        return await write(job, **more)

    bot.store.write = dying
    with pytest.raises(asyncio.CancelledError):
        await claiming.carry_out(owned.deeds.hands, owned.seen())
    bot.store.write = write
    keeping = asyncio.create_task(Keeper(owned.deeds.hands, "app-1").run())
    try:
        await until(lambda: claiming.outcome(owned.seen()))
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert claiming.outcome(owned.seen()).error == ""
    assert git(owned.worktree(), "rev-parse", "HEAD") == owned.sha
    assert git(owned.worktree("app-2"), "status", "--short") == "?? draft.txt"
    assert (len(owned.told("app-1")), len(owned.told("app-2"))) == (1, 1)
    assert await kept_refs(repository(owned), "app-1") == []


async def test_checkout_that_was_cut_off_in_its_middle_is_finished_and_what_was_there_is_kept(scene):
    await repository(scene).fetch()
    await repository(scene).run("update-ref", "refs/heads/feature", scene.sha)
    worktree = scene.worktree()
    (worktree / "feature.txt").write_text("new\n")
    with pytest.raises(UserError, match="not committed"):
        await switch(repository(scene), worktree, "feature", session="app-1", at=1.0, cut_off=False)
    await switch(repository(scene), worktree, "feature", session="app-1", at=1.0, cut_off=True)
    assert git(worktree, "status", "--short", "--branch").split("...")[0] == "## feature"
    assert len(await kept_refs(repository(scene), "app-1")) == 1


async def test_assignment_is_asked_for_with_the_claim(scene, bot):
    await scene.claim(assignee="maintainer")
    [row] = bot.rows("outbox", kind="assign")
    assert row.payload == {"number": scene.pull.number, "login": "maintainer"}


async def test_orchestrators_and_ended_sessions_are_refused(scene, bot):
    await bot.store.write(lambda tx: sessions.change(tx, "app-2", role="orchestrator"))
    assert "owns no pull requests" in claiming.why_not(scene.seen("app-2"))
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", live=False))
    assert "`ao session restore app-1` brings it back" in claiming.why_not(scene.seen())


async def test_second_claim_waits_for_the_first(scene):
    await scene.ask()
    assert "is being given pull request #" in claiming.why_not(scene.seen())


def test_claimed_fact_of_the_winner_says_by_whom():
    assert Claimed(number=2, by="me").subject() == "2"
