"""Pull requests: opening, finding, changing and merging them, and what they contain."""

from __future__ import annotations

from bot.demo.github import commits, git, mergeability
from bot.demo.github.callers import WRITERS
from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import issues, pulls, pushes
from bot.demo.github.people import Json
from bot.demo.github.records import Issue, Pull, Repository
from bot.demo.github.refusals import Refusal, forbidden_to_app, invalid, not_found
from bot.demo.github.shapes import pulls as shapes
from bot.demo.github.shapes import repositories
from bot.demo.github.shapes.pulls import pull_of

rest = Table()
PULLS = "/repos/{owner}/{repo}/pulls"


@rest("POST", PULLS, needs="pull_requests:write")
async def create(call: Call) -> Answer:
    """Open a pull request from a branch here or, as `owner:branch`, in a fork."""
    owner, _, ref = call.string("head", resource="PullRequest").rpartition(":")
    head_repo = _head_repository(call, owner)
    if not _may_push(call, head_repo):
        raise forbidden_to_app() if call.caller.writing_app else not_found()
    if call.body.get("issue") is not None and "title" not in call.body:
        raise invalid("PullRequest", "issue", message="turning an issue into a pull request is not supported here")
    base = call.string("base", resource="PullRequest")
    async with call.world.lock(call.repo):
        issue = await pulls.open_pull(
            call.world,
            call.repo,
            call.caller.user,
            title=call.string("title", resource="PullRequest"),
            body=call.body.get("body"),
            head=(head_repo, ref),
            base=base,
            draft=bool(call.body.get("draft")),
            app=call.caller.writing_app,
        )
    return Answer(201, shapes.full_pull(call.world, call.repo, issue))


def _head_repository(call: Call, owner: str) -> Repository:
    if not owner or owner.lower() == call.repo.owner.login.lower():
        return call.repo
    for repo in call.world.repositories.values():
        if repo.parent is call.repo and repo.owner.login.lower() == owner.lower():
            return repo
    raise invalid("PullRequest", "head")


def _may_push(call: Call, head_repo: Repository) -> bool:
    return call.caller.writing_app is not None or head_repo.role(call.caller.user) in WRITERS


@rest("GET", PULLS, needs="pull_requests:read")
async def listing(call: Call) -> Answer:
    """Pull requests, newest first, by state, head (`owner:branch`) or base."""
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")

    def fits(issue: Issue) -> bool:
        pull = pull_of(issue)
        return (
            state in ("all", issue.state)
            and head in ("", f"{pull.head_owner.login}:{pull.head_ref}")
            and base in ("", pull.base_ref)
        )

    found = [issue for issue in reversed(call.repo.pulls()) if fits(issue)]
    return call.page(found, lambda issue: shapes.simple_pull(call.world, call.repo, issue))


@rest("GET", f"{PULLS}/{{number}}", needs="pull_requests:read")
async def get(call: Call) -> Answer:
    """One pull request with its merge state as it is now."""
    await mergeability.refresh(call.repo, call.pull)
    return Answer(200, shapes.full_pull(call.world, call.repo, call.pull))


@rest("PATCH", f"{PULLS}/{{number}}", needs="pull_requests:write")
async def update(call: Call) -> Answer:
    """Change title, body or state: the author may, and everybody who can push."""
    issue, actor = call.pull, call.caller.user
    if issue.user is not actor and not _may_push(call, call.repo):
        raise Refusal(403, "Must have write rights to Repository.")
    common = (call.world, call.repo, issue, actor)
    issues.edit(*common, **{name: call.body[name] for name in ("title", "body") if name in call.body})
    if call.body.get("state") == "closed":
        issues.close(*common)
    elif call.body.get("state") == "open":
        if pull_of(issue).merged_at:
            raise invalid("PullRequest", "state", message="state cannot be changed. The pull request is merged.")
        issues.reopen(*common)
    return Answer(200, shapes.full_pull(call.world, call.repo, issue))


@rest("PUT", f"{PULLS}/{{number}}/merge", needs="contents:write", role="write")
async def merge(call: Call) -> Answer:
    """Merge: 405 when it cannot be, 409 when the head is not the one that was meant."""
    issue, actor, method = call.pull, call.caller.user, str(call.body.get("merge_method", "merge"))
    pull = pull_of(issue)
    if method == "rebase":
        raise Refusal(405, "Rebase merges are not allowed on this repository.")
    async with call.world.lock(call.repo):
        await mergeability.refresh(call.repo, issue)
        if issue.state != "open" or pull.draft or not pull.mergeable:
            raise Refusal(405, "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable")
        if call.body.get("sha") not in (None, pull.head_sha):
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        before = pull.base_sha
        texts = {
            "title": str(call.body.get("commit_title") or ""),
            "message": str(call.body.get("commit_message") or ""),
        }
        sha = await pulls.merge(call.repo, issue, actor, method=method, **texts)
        pulls.merged(call.world, call.repo, issue, actor, sha)
        await pushes.follow(call.world, call.repo, actor, [pushes.Update(pull.base_ref, before, sha)])
    return Answer(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


@rest("GET", f"{PULLS}/{{number}}/merge", needs="contents:read")
async def is_merged(call: Call) -> Answer:
    """204 when it is merged, 404 when not."""
    if pull_of(call.pull).merged_at is None:
        raise not_found()
    return Answer(204)


async def start_of(repo: Repository, pull: Pull) -> str:
    """The commit from which a pull request's own changes count."""
    before = await git.resolve(repo.path, f"{pull.merge_commit_sha}^1") if pull.merge_commit_sha else None
    end = before or pull.base_sha
    return await commits.merge_base(repo.path, end, pull.head_sha) or end


@rest("GET", f"{PULLS}/{{number}}/commits", needs="pull_requests:read")
async def list_commits(call: Call) -> Answer:
    """Its commits, oldest first."""
    repo, pull = call.repo, pull_of(call.pull)
    found = await commits.log(repo.path, f"{await start_of(repo, pull)}..{pull.head_sha}")
    return call.page(found, lambda each: repositories.commit(call.world, repo, each))


@rest("GET", f"{PULLS}/{{number}}/files", needs="pull_requests:read")
async def list_files(call: Call) -> Answer:
    """Its changed files with their patches."""
    repo, pull = call.repo, pull_of(call.pull)
    changes = await commits.difference(repo.path, await start_of(repo, pull), pull.head_sha)
    return call.page(changes, lambda each: repositories.file_change(call.world, repo, pull.head_sha, each))


@rest("GET", "/repos/{owner}/{repo}/commits/{sha}/pulls", needs="pull_requests:read")
async def with_commit(call: Call) -> Answer:
    """The pull requests that a commit belongs to; empty for commits of forks."""
    repo, sha = call.repo, await git.resolve(call.repo.path, call.text("sha"))
    found: list[Issue] = []
    for issue in repo.pulls():
        pull = pull_of(issue)
        if sha and pull.head_repo is repo and await commits.is_ancestor(repo.path, sha, pull.head_sha):
            start = await start_of(repo, pull)
            if sha == pull.merge_commit_sha or not await commits.is_ancestor(repo.path, sha, start):
                found.append(issue)
    return call.page(found, lambda issue: shapes.simple_pull(call.world, repo, issue))


@rest("PUT", f"{PULLS}/{{number}}/update-branch", needs="contents:write", role="write")
async def update_branch(call: Call) -> Answer:
    """Merge the base into the head branch."""
    repo, issue, actor = call.repo, call.pull, call.caller.user
    pull = pull_of(issue)
    async with call.world.lock(repo):
        await mergeability.refresh(repo, issue)
        if call.body.get("expected_head_sha") not in (None, pull.head_sha):
            raise Refusal(422, "expected head sha didn't match current head ref.")
        if not pull.mergeable or pull.head_repo is not repo:
            raise Refusal(422, "merge conflict between base and head")
        before = pull.head_sha
        sha = await pulls.merge_base_into_head(repo, pull, actor)
        await pushes.follow(call.world, repo, actor, [pushes.Update(pull.head_ref, before, sha)])
    answer: Json = {"message": "Updating pull request branch.", "url": f"{call.world.url}/repos/{repo.full_name}"}
    return Answer(202, answer)
