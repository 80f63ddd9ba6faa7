"""Find what a delivery is about: its repository, and the addresses under which a session may be known."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from handlers.payloads import CheckRunView, Repo, Side, Suite
from handlers.pushes import TRAILER

T = TypeVar("T")


class _Issue(msgspec.Struct, frozen=True):
    number: int
    pull_request: Any = None


class _Installation(msgspec.Struct, frozen=True):
    id: int


class _Commit(msgspec.Struct, frozen=True):
    message: str


class Place(msgspec.Struct, frozen=True):
    """Where a payload comes from; all of it optional."""

    action: str | None = None
    repository: Repo | None = None
    installation: _Installation | None = None


class Payload(Place, frozen=True):
    """What routing reads of any payload; all of it optional."""

    issue: _Issue | None = None
    pull_request: msgspec.Raw = msgspec.Raw()
    check_run: CheckRunView | None = None
    check_suite: Suite | None = None
    ref: str | None = None
    after: str | None = None
    commits: list[_Commit] = []


class _Pull(msgspec.Struct, frozen=True):
    number: int
    head: Side
    base: Side
    body: str | None = None


def read(body: bytes) -> Payload:
    """Return the parts of a payload that tell what it is about; an odd one is about its repository, or nothing."""
    return _decode(body, Payload) or Payload(*msgspec.structs.astuple(_decode(body, Place) or Place()))


def _decode(body: bytes, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def addresses(event: str, payload: Payload) -> list[str]:
    """Return where to look for the session of a delivery, most certain first.

    Branch, commit and trailer count only when the branch lives in the repository itself: a fork can borrow them all.
    """
    find = _FINDERS.get(event)
    return find(payload.repository.full_name.lower(), payload) if find and payload.repository else []


def commented_pull(payload: Payload) -> int | None:
    """Return the pull request that a comment is on; GitHub describes it there as an issue, without its branch.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment
    """
    issue = payload.issue
    return issue.number if issue is not None and issue.pull_request is not None else None


def _issue(repo: str, payload: Payload) -> list[str]:
    number = payload.issue.number if payload.issue else 0
    return [f"issue:{repo}#{number}", f"pr:{repo}#{number}"]


def _pull_request(repo: str, payload: Payload) -> list[str]:
    try:
        pull = msgspec.json.decode(payload.pull_request, type=_Pull)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    known = [f"pr:{repo}#{pull.number}"]
    if pull.head.repo is None or pull.base.repo is None or pull.head.repo.id != pull.base.repo.id:
        return known
    own = [f"sha:{repo}@{pull.head.sha}", f"branch:{repo}:{pull.head.ref}"]
    return [*known, *own, *(f"trailer:{repo}:{name}" for name in TRAILER.findall(pull.body or ""))]


def _check(repo: str, sha: str, branch: str | None) -> list[str]:
    return [f"sha:{repo}@{sha}", f"branch:{repo}:{branch}"] if branch else []


def _check_run(repo: str, payload: Payload) -> list[str]:
    run = payload.check_run
    return _check(repo, run.head_sha, run.check_suite.head_branch if run.check_suite else None) if run else []


def _check_suite(repo: str, payload: Payload) -> list[str]:
    suite = payload.check_suite
    return _check(repo, suite.head_sha, suite.head_branch) if suite else []


def _push(repo: str, payload: Payload) -> list[str]:
    branch = (payload.ref or "").removeprefix("refs/heads/")
    trailers = [name for commit in payload.commits for name in TRAILER.findall(commit.message)]
    return [f"branch:{repo}:{branch}", *(f"trailer:{repo}:{name}" for name in dict.fromkeys(trailers))]


_FINDERS: dict[str, Callable[[str, Payload], list[str]]] = {
    "issues": _issue,
    "issue_comment": _issue,
    "pull_request": _pull_request,
    "pull_request_review": _pull_request,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "push": _push,
}
