"""Commits and their checks as GraphQL objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.demo.github import mergeability
from bot.demo.github.callers import app_may
from bot.demo.github.commits import Commit
from bot.demo.github.graphql.execution import Arguments, Object, Problem, connection
from bot.demo.github.people import App
from bot.demo.github.records import CheckRun, Label, Repository, Status
from bot.demo.github.shapes.common import node_id, stamp, stamp_or_none
from bot.demo.github.shapes.repositories import html_of

if TYPE_CHECKING:
    from bot.demo.github.graphql.objects import View


def label(one: Label) -> Object:
    """A label."""
    fields = {"id": node_id("Label", one.id), "name": one.name, "color": one.color, "description": one.description}
    return Object("Label", fields)


def commit(view: View, repo: Repository, one: Commit) -> Object:
    """A commit."""
    person = {"name": one.author_name, "email": one.author_email, "date": one.author_date, "user": None}
    fields: dict[str, Any] = {
        "id": node_id("Commit", int(one.sha[:8], 16)),
        "oid": one.sha,
        "abbreviatedOid": one.sha[:7],
        "message": one.message,
        "messageHeadline": one.title,
        "committedDate": one.committer_date,
        "authoredDate": one.author_date,
        "author": Object("GitActor", person, frozenset()),
        "url": f"{html_of(view.world, repo)}/commit/{one.sha}",
        "statusCheckRollup": lambda _: rollup(view, repo, one.sha),
    }
    return Object("Commit", fields, frozenset({"Node", "GitObject"}))


def rollup(view: View, repo: Repository, sha: str) -> Object | None:
    """All checks of a commit; null when there are none, a problem for apps that may not read them."""
    token = view.caller.token
    if token and token.installation and not app_may(token.permissions, "checks:read"):
        raise Problem("FORBIDDEN", "Resource not accessible by integration")
    state = mergeability.rollup(repo, sha)
    if state is None:
        return None
    found: list[CheckRun | Status] = [*mergeability.latest_runs(repo, sha), *mergeability.latest_statuses(repo, sha)]

    def contexts(given: Arguments) -> Object:
        def shape(one: CheckRun | Status) -> Object:
            return check_run(view, repo, one) if isinstance(one, CheckRun) else status(view, one)

        counts = {"checkRunCount": sum(isinstance(one, CheckRun) for one in found)}
        counts["statusContextCount"] = len(found) - counts["checkRunCount"]
        return connection("StatusCheckRollupContextConnection", found, given, shape, **counts)

    fields = {"id": node_id("StatusCheckRollup", int(sha[:8], 16)), "state": state, "contexts": contexts}
    return Object("StatusCheckRollup", fields)


def check_run(view: View, repo: Repository, run: CheckRun) -> Object:
    """A check run."""
    page = f"{html_of(view.world, repo)}/runs/{run.id}"
    suite: dict[str, Any] = {
        "id": node_id("CheckSuite", run.suite.id),
        "databaseId": run.suite.id,
        "status": run.suite.status.upper(),
        "conclusion": run.suite.conclusion.upper() if run.suite.conclusion else None,
        "app": _app(run.suite.app),
        "workflowRun": None,
    }
    fields: dict[str, Any] = {
        "id": node_id("CheckRun", run.id),
        "databaseId": run.id,
        "name": run.name,
        "status": run.status.upper(),
        "conclusion": run.conclusion.upper() if run.conclusion else None,
        "startedAt": stamp_or_none(run.started_at),
        "completedAt": stamp_or_none(run.completed_at),
        "detailsUrl": run.details_url or page,
        "externalId": run.external_id,
        "permalink": page,
        "url": page,
        "title": run.output.get("title"),
        "summary": run.output.get("summary"),
        "text": run.output.get("text"),
        "isRequired": lambda _: False,
        "checkSuite": Object("CheckSuite", suite),
        "annotations": lambda given: connection("CheckAnnotationConnection", run.annotations, given, _annotation),
    }
    return Object("CheckRun", fields, frozenset({"Node", "RequirableByPullRequest"}))


def status(view: View, one: Status) -> Object:
    """A commit status."""
    fields: dict[str, Any] = {
        "id": node_id("StatusContext", one.id),
        "context": one.context,
        "state": one.state.upper(),
        "description": one.description,
        "targetUrl": one.target_url,
        "createdAt": stamp(one.created_at),
        "creator": view.actor(one.creator),
        "isRequired": lambda _: False,
    }
    return Object("StatusContext", fields, frozenset({"Node", "RequirableByPullRequest"}))


def _app(app: App) -> Object:
    return Object("App", {"id": node_id("App", app.id), "databaseId": app.id, "slug": app.slug, "name": app.name})


def _annotation(one: dict[str, Any]) -> Object:
    fields = {"path": one["path"], "message": one.get("message"), "title": one.get("title")}
    fields["annotationLevel"] = str(one.get("annotation_level", "failure")).upper()
    return Object("CheckAnnotation", fields, frozenset())
