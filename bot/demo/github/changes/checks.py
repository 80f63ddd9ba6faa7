"""Check suites, check runs and commit statuses."""

from __future__ import annotations

from bot.demo.github import commits, git
from bot.demo.github.mergeability import BAD
from bot.demo.github.people import App, Json, User
from bot.demo.github.records import CheckRun, CheckSuite, Repository, Status
from bot.demo.github.shapes import checks
from bot.demo.github.shapes.common import stamp
from bot.demo.github.shapes.repositories import commit as commit_shape
from bot.demo.github.webhooks import emit, wants_own_checks
from bot.demo.github.world import World


async def request_suites(world: World, repo: Repository, sender: User, branch: str, before: str, sha: str) -> None:
    """Make a suite for each installed app that writes checks, and ask it to run them."""
    for installation in world.installations_on(repo):
        if wants_own_checks(installation.app) and not find_suite(repo, installation.app, sha):
            suite = make_suite(world, repo, installation.app, sha, branch, before)
            await announce_suite(world, repo, suite, "requested", sender, only=suite.app)


def find_suite(repo: Repository, app: App, sha: str) -> CheckSuite | None:
    """The app's suite on a commit."""
    return next((suite for suite in repo.suites if suite.app is app and suite.head_sha == sha), None)


def make_suite(
    world: World, repo: Repository, app: App, sha: str, branch: str | None, before: str | None = None
) -> CheckSuite:
    """A new empty suite."""
    now = world.now()
    suite = CheckSuite(world.id(), app, sha, branch, before, now, now)
    repo.suites.append(suite)
    return suite


async def announce_suite(
    world: World, repo: Repository, suite: CheckSuite, action: str, sender: User, only: App | None = None
) -> None:
    """Send a `check_suite` webhook."""
    head = await commits.one(repo.path, suite.head_sha)
    shape = checks.full_suite(world, repo, suite, head)
    emit(world, "check_suite", action, repo, sender, check_suite=shape, only=only)


async def create_run(world: World, repo: Repository, app: App, name: str, sha: str, fields: Json) -> CheckRun:
    """Start a check of an app on a commit; `fields` are those of the REST call."""
    suite = find_suite(repo, app, sha) or make_suite(world, repo, app, sha, await _branch_at(repo, sha))
    run = CheckRun(world.id(), suite, name, sha, started_at=world.now())
    suite.runs.append(run)
    _apply(world, run, fields)
    emit(world, "check_run", "created", repo, app.bot, check_run=checks.hooked_run(world, repo, run))
    if run.status == "completed":
        await _completed(world, repo, run)
    else:
        suite.status = "in_progress"
    return run


async def update_run(world: World, repo: Repository, run: CheckRun, fields: Json) -> None:
    """Change a check; completing it sends the webhook, and so does completing its suite."""
    was = run.status
    _apply(world, run, fields)
    if run.status == "completed" and was != "completed":
        await _completed(world, repo, run)


def ask(world: World, repo: Repository, run: CheckRun, sender: User, action: str, **things: object) -> None:
    """Send a check's own app `rerequested` or, from a button, `requested_action`."""
    shape = checks.hooked_run(world, repo, run)
    emit(world, "check_run", action, repo, sender, check_run=shape, only=run.suite.app, **things)


async def set_status(world: World, repo: Repository, creator: User, sha: str, fields: Json) -> Status:
    """Add a commit status; the newest of a context counts."""
    texts = {"description": fields.get("description"), "target_url": fields.get("target_url")}
    status = Status(
        world.id(), sha, fields["state"], fields.get("context") or "default", **texts, creator=creator,
        created_at=world.now(),
    )  # fmt: skip
    repo.statuses.append(status)
    emit(world, "status", None, repo, creator, **await _status_payload(world, repo, status))
    return status


async def _status_payload(world: World, repo: Repository, status: Status) -> Json:
    head = await commits.one(repo.path, status.sha)
    tips = await git.branches(repo.path)
    shape = checks.status(world, repo, status)
    full = commit_shape(world, repo, head)
    del full["commit"]["verification"]["verified_at"]  # only REST has it
    names = [name for name, tip in tips.items() if tip == status.sha][:10]
    commit = {"sha": status.sha, "url": f"{world.url}/repos/{repo.full_name}/commits/{status.sha}"}
    shape = {key: shape[key] for key in ("id", "avatar_url", "state", "description", "target_url", "context")}
    return {
        **shape,
        "sha": status.sha,
        "name": repo.full_name,
        "commit": full,
        "branches": [{"name": name, "commit": commit, "protected": False} for name in names],
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
    }


async def _completed(world: World, repo: Repository, run: CheckRun) -> None:
    suite = run.suite
    emit(world, "check_run", "completed", repo, suite.app.bot, check_run=checks.hooked_run(world, repo, run))
    if all(each.status == "completed" for each in suite.runs):
        bad = any(each.conclusion in BAD for each in suite.runs)
        suite.status, suite.conclusion, suite.updated_at = "completed", "failure" if bad else "success", world.now()
        await announce_suite(world, repo, suite, "completed", suite.app.bot)


def _apply(world: World, run: CheckRun, fields: Json) -> None:
    run.name = fields.get("name") or run.name
    run.external_id = fields.get("external_id") or run.external_id
    run.details_url = fields.get("details_url") or run.details_url
    run.status = fields.get("status") or run.status
    if fields.get("conclusion"):
        run.status, run.conclusion = "completed", fields["conclusion"]
    if run.status == "completed" and run.completed_at is None:
        run.completed_at = world.now()
    output = dict(fields.get("output") or {})
    run.annotations += output.pop("annotations", None) or []
    run.output |= output
    run.actions = fields.get("actions", run.actions)


async def _branch_at(repo: Repository, sha: str) -> str | None:
    return next((name for name, tip in (await git.branches(repo.path)).items() if tip == sha), None)
