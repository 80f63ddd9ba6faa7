"""The JSON of check suites, check runs and commit statuses."""

from __future__ import annotations

from bot.demo.github.commits import Commit
from bot.demo.github.people import Json
from bot.demo.github.records import CheckRun, CheckSuite, Issue, Repository, Status
from bot.demo.github.shapes.common import node_id, stamp, stamp_or_none
from bot.demo.github.shapes.people import app, user
from bot.demo.github.shapes.pulls import tiny_pull
from bot.demo.github.shapes.repositories import api_of, html_of, repository, simple_commit
from bot.demo.github.world import World


def pulls_at(repo: Repository, sha: str) -> list[Issue]:
    """The open pull requests whose head is this commit and whose branch is here, not in a fork."""
    return [
        issue
        for issue in repo.pulls()
        if issue.pull and issue.pull.head_sha == sha and issue.pull.head_repo is repo and issue.state == "open"
    ]


def suite(world: World, repo: Repository, one: CheckSuite) -> Json:
    """A check suite as it stands inside a check run's webhook."""
    return {
        "id": one.id,
        "node_id": node_id("CheckSuite", one.id),
        "head_branch": one.head_branch,
        "head_sha": one.head_sha,
        "status": one.status,
        "conclusion": one.conclusion,
        "url": f"{api_of(world, repo)}/check-suites/{one.id}",
        "before": one.before,
        "after": one.head_sha,
        "pull_requests": [tiny_pull(world, repo, each) for each in pulls_at(repo, one.head_sha)],
        "app": app(world, one.app),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
    }


def full_suite(world: World, repo: Repository, one: CheckSuite, head: Commit) -> Json:
    """A check suite in its own webhooks."""
    return {
        **suite(world, repo, one),
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(one.runs),
        "check_runs_url": f"{api_of(world, repo)}/check-suites/{one.id}/check-runs",
        "head_commit": simple_commit(head),
    }


def rest_suite(world: World, repo: Repository, one: CheckSuite, head: Commit) -> Json:
    """A check suite as REST lists it."""
    return {**full_suite(world, repo, one, head), "repository": repository(world, repo)}


def output(world: World, repo: Repository, one: CheckRun) -> Json:
    """What the check says."""
    texts = {key: one.output.get(key) for key in ("title", "summary", "text")}
    api = f"{api_of(world, repo)}/check-runs/{one.id}"
    return {**texts, "annotations_count": len(one.annotations), "annotations_url": f"{api}/annotations"}


def run(world: World, repo: Repository, one: CheckRun) -> Json:
    """A check run as REST shows it."""
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id("CheckRun", one.id),
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": f"{api_of(world, repo)}/check-runs/{one.id}",
        "html_url": f"{html_of(world, repo)}/runs/{one.id}",
        "details_url": one.details_url or f"{html_of(world, repo)}/runs/{one.id}",
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": stamp(one.started_at or one.suite.created_at),
        "completed_at": stamp_or_none(one.completed_at),
        "output": output(world, repo, one),
        "check_suite": {"id": one.suite.id},
        "app": app(world, one.suite.app),
        "pull_requests": [tiny_pull(world, repo, each) for each in pulls_at(repo, one.head_sha)],
    }


def hooked_run(world: World, repo: Repository, one: CheckRun) -> Json:
    """A check run as webhooks show it: with its suite."""
    return {**run(world, repo, one), "check_suite": suite(world, repo, one.suite)}


def status(world: World, repo: Repository, one: Status) -> Json:
    """A commit status."""
    return {
        "url": f"{api_of(world, repo)}/statuses/{one.sha}",
        "avatar_url": user(world, one.creator)["avatar_url"],
        "id": one.id,
        "node_id": node_id("Status", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
    }
