"""Check runs, check suites, commit statuses and the logs of continuous integration."""

import secrets
from datetime import timedelta

from bot.demo.github import ci, commits, git, mergeability
from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import checks
from bot.demo.github.people import Json
from bot.demo.github.records import CheckRun, CheckSuite
from bot.demo.github.refusals import Refusal, forbidden_to_app, invalid, not_found
from bot.demo.github.shapes import checks as shapes
from bot.demo.github.shapes.people import user
from bot.demo.github.shapes.repositories import api_of, repository

rest = Table()
REPO = "/repos/{owner}/{repo}"
RUNS = f"{REPO}/check-runs"
CONCLUSIONS = ("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required")
STATES = ("error", "failure", "pending", "success")
LINK_LIFE = timedelta(minutes=1)
# https://docs.github.com/en/rest/checks/runs#create-a-check-run
LIMITS = {"actions": 3, "annotations": 50, "text": 65_535, "label": 20, "description": 40, "identifier": 20}


async def _sha(call: Call, name: str) -> str:
    sha = await git.resolve(call.repo.path, name)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {name}")
    return sha


def _run(call: Call) -> CheckRun:
    for suite in call.repo.suites:
        for run in suite.runs:
            if run.id == call.number("check_run_id"):
                return run
    raise not_found()


def _checked(body: Json) -> Json:
    output, actions = body.get("output") or {}, body.get("actions") or []
    too_long = any(len(output.get(name) or "") > LIMITS["text"] for name in ("summary", "text"))
    if body.get("output") is not None and not (output.get("title") and output.get("summary")):
        raise Refusal(422, 'Invalid request.\n\n"summary", "title" weren\'t supplied.')
    if too_long or len(output.get("annotations") or []) > LIMITS["annotations"]:
        raise Refusal(422, "Invalid request.\n\nOnly 65535 characters are allowed; at most 50 annotations.")
    lengths = [len(str(action.get(key, ""))) <= LIMITS[key] for action in actions for key in
               ("label", "description", "identifier")]  # fmt: skip
    if len(actions) > LIMITS["actions"] or not all(lengths):
        raise Refusal(422, "Invalid request.\n\nNo more than 3 actions; label 20, description 40, identifier 20.")
    if body.get("status") == "completed" and not body.get("conclusion"):
        raise Refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
    if body.get("conclusion") not in (None, *CONCLUSIONS):
        raise invalid("CheckRun", "conclusion")
    return body


@rest("POST", RUNS, needs="checks:write", who="installation")
async def create(call: Call) -> Answer:
    """Start a check; only apps may."""
    app = call.caller.writing_app
    if app is None:
        raise forbidden_to_app()
    name, body = call.string("name", resource="CheckRun"), _checked(call.body)
    sha = await _sha(call, call.string("head_sha", resource="CheckRun"))
    run = await checks.create_run(call.world, call.repo, app, name, sha, body)
    return Answer(201, shapes.run(call.world, call.repo, run))


@rest("PATCH", f"{RUNS}/{{check_run_id}}", needs="checks:write", who="installation")
async def update(call: Call) -> Answer:
    """Change a check; only the app that made it may."""
    run = _run(call)
    if run.suite.app is not call.caller.writing_app:
        raise Refusal(403, f"Invalid app_id `{run.suite.app.id}`: only the GitHub App that made a check may change it.")
    await checks.update_run(call.world, call.repo, run, _checked(call.body))
    return Answer(200, shapes.run(call.world, call.repo, run))


@rest("GET", f"{RUNS}/{{check_run_id}}", needs="checks:read")
async def get(call: Call) -> Answer:
    """One check."""
    return Answer(200, shapes.run(call.world, call.repo, _run(call)))


@rest("GET", f"{RUNS}/{{check_run_id}}/annotations", needs="checks:read")
async def list_annotations(call: Call) -> Answer:
    """What a check says about lines."""
    run = _run(call)
    blob = f"{api_of(call.world, call.repo)}/git/blobs/{run.head_sha}"
    nothing = dict.fromkeys(("start_column", "end_column", "title", "raw_details"))
    return call.page(run.annotations, lambda one: {**nothing, **one, "blob_href": blob})


@rest("POST", f"{RUNS}/{{check_run_id}}/rerequest", needs="checks:write", role="write", who="token")
async def rerequest(call: Call) -> Answer:
    """Ask the check's app to run it again; continuous integration just does."""
    run = _run(call)
    if run.suite.app is ci.actions(call.world):
        await ci.again(call.world, call.repo, run)
    else:
        checks.ask(call.world, call.repo, run, call.caller.user, "rerequested")
    return Answer(201, {})


@rest("GET", f"{REPO}/commits/{{ref:path}}/check-runs", needs="checks:read")
async def for_commit(call: Call) -> Answer:
    """The checks of a commit: the latest of each name, or with `filter=all` every one."""
    sha = await _sha(call, call.text("ref"))
    every = call.query("filter", "latest") == "all"
    runs = call.repo.runs(sha) if every else mergeability.latest_runs(call.repo, sha)
    name, status, app = call.query("check_name"), call.query("status"), call.query("app_id")
    found = [
        run
        for run in runs
        if name in ("", run.name) and status in ("", run.status) and app in ("", str(run.suite.app.id))
    ]
    return call.page(found, lambda run: shapes.run(call.world, call.repo, run), under="check_runs")


@rest("GET", f"{REPO}/commits/{{ref:path}}/check-suites", needs="checks:read")
async def suites(call: Call) -> Answer:
    """The check suites of a commit."""
    sha = await _sha(call, call.text("ref"))
    head = await commits.one(call.repo.path, sha)
    found = [suite for suite in call.repo.suites if suite.head_sha == sha]

    def shape(suite: CheckSuite) -> Json:
        return shapes.rest_suite(call.world, call.repo, suite, head)

    return call.page(found, shape, under="check_suites")


@rest("POST", f"{REPO}/statuses/{{sha}}", needs="statuses:write", role="write")
async def set_status(call: Call) -> Answer:
    """Set a commit status."""
    sha = await _sha(call, call.text("sha"))
    if call.body.get("state") not in STATES:
        raise invalid("Status", "state")
    if len(call.body.get("description") or "") > 140:
        raise invalid("Status", "description", message="description is too long (maximum is 140 characters)")
    status = await checks.set_status(call.world, call.repo, call.caller.user, sha, call.body)
    return Answer(201, {**shapes.status(call.world, call.repo, status), "creator": user(call.world, status.creator)})


@rest("GET", f"{REPO}/commits/{{ref:path}}/statuses", needs="statuses:read")
async def statuses(call: Call) -> Answer:
    """All statuses of a commit, newest first."""
    sha = await _sha(call, call.text("ref"))
    found = [one for one in reversed(call.repo.statuses) if one.sha == sha]
    shape, world = shapes.status, call.world
    return call.page(found, lambda one: {**shape(world, call.repo, one), "creator": user(world, one.creator)})


@rest("GET", f"{REPO}/commits/{{ref:path}}/status", needs="statuses:read")
async def combined(call: Call) -> Answer:
    """The newest status of each context, and the one word for all of them."""
    sha = await _sha(call, call.text("ref"))
    found = mergeability.latest_statuses(call.repo, sha)
    states = {"failure" if one.state == "error" else one.state for one in found}
    state = next((word for word in ("failure", "pending", "success") if word in states), "pending")
    api = api_of(call.world, call.repo)
    body = {
        "state": state,
        "statuses": [shapes.status(call.world, call.repo, one) for one in found],
        "sha": sha,
        "total_count": len(found),
        "repository": repository(call.world, call.repo),
        "commit_url": f"{api}/commits/{sha}",
        "url": f"{api}/commits/{sha}/status",
    }
    return Answer(200, body)


@rest("GET", f"{REPO}/actions/jobs/{{check_run_id}}/logs", needs="actions:read", who="token")
async def logs(call: Call) -> Answer:
    """A link to a job's log that works for a minute, without credentials."""
    run = _run(call)
    if run.suite.app is not ci.actions(call.world):
        raise not_found()
    ticket = secrets.token_urlsafe(24)
    call.world.tickets[ticket] = (run, call.world.now() + LINK_LIFE)
    return Answer(302, None, {"Location": f"{call.world.url}/_local/logs/{ticket}"})
