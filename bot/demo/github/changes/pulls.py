"""Opening, moving and merging pull requests."""

from __future__ import annotations

import re

from bot.demo.github import commits, git, mergeability
from bot.demo.github.changes import issues
from bot.demo.github.hunks import follow
from bot.demo.github.people import App, User
from bot.demo.github.records import Issue, Pull, Repository
from bot.demo.github.refusals import Refusal, invalid
from bot.demo.github.shapes.pulls import pull_of
from bot.demo.github.world import World

# https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


async def open_pull(
    world: World,
    repo: Repository,
    actor: User,
    *,
    title: str,
    body: str | None,
    head: tuple[Repository, str],
    base: str,
    draft: bool = False,
    app: App | None = None,
) -> Issue:
    """Open a pull request; 422 as GitHub for a missing branch, nothing to merge, or one that is open already."""
    head_repo, head_ref = head
    base_sha = await git.resolve(repo.path, f"refs/heads/{base}")
    head_sha = await git.resolve(head_repo.path, f"refs/heads/{head_ref}")
    if base_sha is None or head_sha is None:
        raise invalid("PullRequest", "base" if base_sha is None else "head")
    label = f"{head_repo.owner.login}:{head_ref}"
    if any(_same_branches(issue, head_repo, head_ref, base) for issue in repo.pulls()):
        raise _refused(f"A pull request already exists for {label}.")
    await _bring(head_repo, repo, head_ref)
    if await commits.is_ancestor(repo.path, head_sha, base_sha):
        raise _refused(f"No commits between {base} and {head_ref}")

    now = world.now()
    issue = Issue(world.id(), issues.next_number(repo), title, body, actor, now, now, app=app)
    issue.pull = Pull(world.id(), head_repo, head_repo.owner, head_ref, head_sha, base, base_sha, draft=draft)
    repo.issues[issue.number] = issue
    await _pin(repo, issue)
    await mergeability.refresh(repo, issue)
    new = await commits.log(repo.path, f"{base_sha}..{head_sha}")
    issues.happen(world, issue, "committed", actor, commits=new)
    issues.announce(world, repo, issue, "opened", actor)
    return issue


async def synchronize(world: World, repo: Repository, issue: Issue, actor: User, after: str) -> None:
    """Follow a push to the head branch: new head, threads moved or outdated, webhook sent."""
    pull = pull_of(issue)
    before, pull.head_sha = pull.head_sha, after
    await _bring(pull.head_repo or repo, repo, pull.head_ref)
    await _pin(repo, issue)
    await mergeability.refresh(repo, issue)
    for thread in pull.threads:
        for comment in thread.comments:
            if comment.line is not None:
                comment.line = await follow(repo.path, before, after, comment.path, comment.line)
                comment.commit_id = after if comment.line is not None else comment.commit_id
    forced = not await commits.is_ancestor(repo.path, before, after)
    new = await commits.log(repo.path, f"{pull.base_sha if forced else before}..{after}")
    issues.happen(world, issue, "committed", actor, commits=new, forced=forced)
    issues.announce(world, repo, issue, "synchronize", actor, before=before, after=after)


async def merge(repo: Repository, issue: Issue, actor: User, *, method: str, title: str = "", message: str = "") -> str:
    """Write the merge into the base branch and return its commit; the caller holds the lock and announces the push."""
    pull = pull_of(issue)
    code, tree = await git.attempt(repo.path, "merge-tree", "--write-tree", pull.base_sha, pull.head_sha)
    if code != 0:
        raise Refusal(405, "Pull Request is not mergeable")
    squash = method == "squash"
    title = title or (f"{issue.title} (#{issue.number})" if squash else _merge_title(issue, pull))
    text = f"{title}\n\n{message or ('' if squash else issue.title)}".strip() + "\n"
    parents = [pull.base_sha] if squash else [pull.base_sha, pull.head_sha]
    return await _commit(repo, actor, tree.split()[0], parents, text, pull.base_ref)


async def merge_base_into_head(repo: Repository, pull: Pull, actor: User) -> str:
    """Write a merge of the base into the head branch and return its commit; the caller holds the lock."""
    tree = await git.git(repo.path, "merge-tree", "--write-tree", pull.head_sha, pull.base_sha)
    text = f"Merge branch '{pull.base_ref}' into {pull.head_ref}\n"
    return await _commit(repo, actor, tree.split()[0], [pull.head_sha, pull.base_sha], text, pull.head_ref)


async def _commit(repo: Repository, actor: User, tree: str, parents: list[str], text: str, branch: str) -> str:
    options = [word for parent in parents for word in ("-p", parent)]
    author = git.identity(actor.login, f"{actor.id}+{actor.login}@users.noreply.github.com")
    out = await git.git(repo.path, "commit-tree", *options, tree, stdin=text.encode(), **author)
    sha = out.strip()
    await git.git(repo.path, "update-ref", f"refs/heads/{branch}", sha, parents[0])
    return sha


def merged(world: World, repo: Repository, issue: Issue, actor: User, sha: str) -> None:
    """Close a pull request as merged, and the issues that its text promises to close."""
    pull = pull_of(issue)
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = world.now(), actor, sha
    issues.happen(world, issue, "merged", actor, sha=sha, base=pull.base_ref)
    issues.close(world, repo, issue, actor)
    if pull.base_ref == repo.default_branch:
        close_mentioned(world, repo, actor, issue.body or "")


def close_mentioned(world: World, repo: Repository, actor: User, text: str) -> None:
    """Close the issues of a text's closing keywords."""
    for number in CLOSES.findall(text):
        issue = repo.issues.get(int(number))
        if issue is not None and issue.pull is None:
            issues.close(world, repo, issue, actor)


def _same_branches(issue: Issue, head_repo: Repository, head_ref: str, base: str) -> bool:
    pull = pull_of(issue)
    same = (pull.head_repo, pull.head_ref, pull.base_ref) == (head_repo, head_ref, base)
    return issue.state == "open" and same


def _refused(message: str) -> Refusal:
    return Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])


def _merge_title(issue: Issue, pull: Pull) -> str:
    return f"Merge pull request #{issue.number} from {pull.head_owner.login}/{pull.head_ref}"


async def _bring(source: Repository, repo: Repository, ref: str) -> None:
    if source is not repo:
        await git.git(repo.path, "fetch", "--quiet", str(source.path), f"refs/heads/{ref}")


async def _pin(repo: Repository, issue: Issue) -> None:
    await git.git(repo.path, "update-ref", f"refs/pull/{issue.number}/head", pull_of(issue).head_sha)
