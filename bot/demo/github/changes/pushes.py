"""What follows when branches move: push webhooks, pull requests that follow or close, checks, CI."""

from __future__ import annotations

from dataclasses import dataclass

from bot.demo.github import ci, commits, git, mergeability
from bot.demo.github.changes import checks, issues, pulls
from bot.demo.github.people import User
from bot.demo.github.records import Issue, Repository
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.shapes.repositories import html_of, pushed_commit
from bot.demo.github.webhooks import emit
from bot.demo.github.world import World


@dataclass(frozen=True)
class Update:
    """A branch that moved; `before` or `after` is all zeros when it was created or deleted."""

    branch: str
    before: str
    after: str


def compare(before: dict[str, str], after: dict[str, str]) -> list[Update]:
    """The branches that differ between two readings."""
    names = sorted(before.keys() | after.keys())
    updates = [Update(name, before.get(name, git.ZERO), after.get(name, git.ZERO)) for name in names]
    return [update for update in updates if update.before != update.after]


async def follow(world: World, repo: Repository, actor: User, updates: list[Update]) -> None:
    """Do everything that GitHub does after a push."""
    repo.pushed_at = world.now()
    for update in updates:
        await _announce(world, repo, actor, update)
        if update.after == git.ZERO:
            for issue in _open_pulls(world, repo, update.branch):
                issues.close(world, repo, issue, actor)
            continue
        await checks.request_suites(world, repo, actor, update.branch, update.before, update.after)
        await _follow_heads(world, repo, actor, update)
        await _follow_bases(world, repo, actor, update)
        if update.branch == repo.default_branch:
            await _close_mentioned(world, repo, actor, update)
        await ci.begin(world, repo, update.branch, update.before, update.after)


async def delete_branch(world: World, repo: Repository, actor: User, branch: str, sha: str) -> None:
    """Delete a branch as its button does."""
    async with world.lock(repo):
        await git.git(repo.path, "update-ref", "-d", f"refs/heads/{branch}", sha)
        await follow(world, repo, actor, [Update(branch, sha, git.ZERO)])


def _open_pulls(world: World, repo: Repository, branch: str) -> list[Issue]:
    everywhere = [issue for each in world.repositories.values() for issue in each.pulls()]
    return [
        issue
        for issue in everywhere
        if issue.state == "open" and pull_of(issue).head_repo is repo and pull_of(issue).head_ref == branch
    ]


async def _follow_heads(world: World, repo: Repository, actor: User, update: Update) -> None:
    for home in list(world.repositories.values()):
        for issue in home.pulls():
            pull = pull_of(issue)
            ours = pull.head_repo is repo and pull.head_ref == update.branch
            if ours and issue.state == "open" and pull.head_sha != update.after:
                await pulls.synchronize(world, home, issue, actor, update.after)


async def _follow_bases(world: World, repo: Repository, actor: User, update: Update) -> None:
    for issue in repo.pulls():
        pull = pull_of(issue)
        if issue.state == "open" and pull.base_ref == update.branch:
            if await commits.is_ancestor(repo.path, pull.head_sha, update.after):
                pulls.merged(world, repo, issue, actor, update.after)
            else:
                await mergeability.refresh(repo, issue)


async def _close_mentioned(world: World, repo: Repository, actor: User, update: Update) -> None:
    for commit in await _new_commits(repo, update):
        pulls.close_mentioned(world, repo, actor, commit.message)


async def _new_commits(repo: Repository, update: Update) -> list[commits.Commit]:
    if update.after == git.ZERO:
        return []
    if update.before != git.ZERO:
        return await commits.log(repo.path, f"{update.before}..{update.after}")
    base = await git.resolve(repo.path, f"refs/heads/{repo.default_branch}")
    known = [] if base is None or update.branch == repo.default_branch else [f"^{base}"]
    return await commits.log(repo.path, update.after, *known)


async def _announce(world: World, repo: Repository, actor: User, update: Update) -> None:
    created, deleted = update.before == git.ZERO, update.after == git.ZERO
    new = [pushed_commit(world, repo, each) for each in await _new_commits(repo, update)]
    head = None if deleted else await commits.one(repo.path, update.after)
    forced = not created and not deleted and not await commits.is_ancestor(repo.path, update.before, update.after)
    emit(
        world,
        "push",
        None,
        repo,
        actor,
        ref=f"refs/heads/{update.branch}",
        before=update.before,
        after=update.after,
        created=created,
        deleted=deleted,
        forced=forced,
        base_ref=None,
        compare=f"{html_of(world, repo)}/compare/{update.before[:12]}...{update.after[:12]}",
        commits=new,
        head_commit=pushed_commit(world, repo, head) if head else None,
        pusher={"name": actor.login, "email": f"{actor.login}@users.noreply.github.com"},
    )
