"""`POST /graphql`: the queries and the mutations there are."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.demo.github import api, callers
from bot.demo.github.callers import Caller
from bot.demo.github.calls import Answer, read_body
from bot.demo.github.changes import reviews
from bot.demo.github.graphql.execution import Arguments, Execution, Object, Problem, Undefined
from bot.demo.github.graphql.language import Malformed, Operation, parse
from bot.demo.github.graphql.objects import View
from bot.demo.github.people import Json
from bot.demo.github.records import Comment, Issue, Repository, Review, ReviewComment, Thread
from bot.demo.github.refusals import Refusal
from bot.demo.github.shapes.common import parse_node_id, stamp
from bot.demo.github.world import RATE_LIMIT, World

CLASSIFIERS = ("ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM")
Found = tuple[Repository, Issue, Thread | Comment | Review | ReviewComment]


class Door:
    """The endpoint."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def serve(self, request: Request) -> Response:
        """Answer one document: problems of single fields come beside the data, with status 200."""
        caller = Caller()
        try:
            api.check_headers(request)
            caller = callers.identify(self.world, request.headers.get("authorization", ""))
            request.scope["caller"] = caller.name
            _require_token(caller)
            answer = Answer(200, await self._answer(caller, await read_body(request)))
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body())
        return api.respond(self.world, request, caller, answer)

    async def _answer(self, caller: Caller, body: Json) -> Json:
        try:
            document = parse(str(body.get("query") or ""))
            operation = _chosen(document.operations, body.get("operationName"))
            variables = operation.defaults | (body.get("variables") or {})
            _require_variables(operation, variables)
            execution = Execution(document, operation, variables)
            root = self._mutation(caller) if operation.kind == "mutation" else self._query(caller)
            data = await execution.run(root)
        except Malformed as error:
            return {"errors": [{"message": str(error), "locations": []}]}
        except Undefined as undefined:
            return {"errors": [undefined.error]}
        return {"data": data} | ({"errors": execution.errors} if execution.errors else {})

    def _query(self, caller: Caller) -> Object:
        view, rate = View(self.world, caller), self.world.rate(caller.name)
        left: dict[str, Any] = {"limit": RATE_LIMIT, "cost": 1, "used": rate.used, "nodeCount": 1}
        left |= {"remaining": max(RATE_LIMIT - rate.used, 0), "resetAt": stamp(rate.resets_at)}

        def repository(given: Arguments) -> Object:
            name = f"{given.get('owner')}/{given.get('name')}"
            repo = self.world.repositories.get(name.lower())
            try:
                if repo is not None:
                    callers.require(caller, repo, "metadata:read", "read")
                    return view.repository(repo)
            except Refusal:
                repo = None
            raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")

        def node(given: Arguments) -> Object:
            return _shape(view, *self._find(caller, str(given.get("id")), ""))

        fields = {"repository": repository, "node": node, "viewer": lambda _: view.actor(caller.user)}
        return Object("Query", fields | {"rateLimit": Object("RateLimit", left, frozenset())}, frozenset())

    def _mutation(self, caller: Caller) -> Object:
        def resolve(given: Arguments, *, resolved: bool) -> Object:
            wanted = given.get("input") or {}
            needs = "contents:write"  # beside pull_requests:write, as reported in github/gh-aw#35726
            repo, issue, thread = self._find(caller, str(wanted.get("threadId")), "pull_requests:write", needs)
            if not isinstance(thread, Thread):
                raise Problem("NOT_FOUND", "Could not resolve to a node of type PullRequestReviewThread.")
            reviews.resolve(self.world, repo, issue, caller.user, thread, resolved=resolved)
            shape = View(self.world, caller).thread(repo, issue, thread)
            name = "ResolveReviewThreadPayload" if resolved else "UnresolveReviewThreadPayload"
            return _payload(name, wanted, thread=shape)

        def minimize(given: Arguments) -> Object:
            wanted = given.get("input") or {}
            found = self._find(caller, str(wanted.get("subjectId")), "issues|pull_requests:write")
            if wanted.get("classifier") not in CLASSIFIERS or isinstance(found[2], Thread):
                raise Problem("UNPROCESSABLE", "classifier or subject is not valid")
            found[2].minimized = str(wanted["classifier"])
            return _payload("MinimizeCommentPayload", wanted, minimizedComment=_shape(View(self.world, caller), *found))

        fields = {
            "resolveReviewThread": lambda given: resolve(given, resolved=True),
            "unresolveReviewThread": lambda given: resolve(given, resolved=False),
            "minimizeComment": minimize,
        }
        return Object("Mutation", fields, frozenset())

    def _find(self, caller: Caller, text: str, *needs: str) -> Found:
        try:
            kind, number = parse_node_id(text)
        except ValueError:
            kind, number = "", 0
        for repo in self.world.repositories.values():
            for issue in repo.issues.values():
                for name, thing in _things(issue):
                    if (name, thing.id) == (kind, number):
                        self._check(caller, repo, needs)
                        return repo, issue, thing
        raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'")

    def _check(self, caller: Caller, repo: Repository, needs: tuple[str, ...]) -> None:
        try:
            for one in needs:
                callers.require(caller, repo, one, "write" if one.endswith(":write") else "read")
        except Refusal as refusal:
            raise Problem("FORBIDDEN", refusal.message) from refusal


def _require_token(caller: Caller) -> None:
    if caller.token is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")


def _require_variables(operation: Operation, variables: Arguments) -> None:
    for name in sorted(operation.required):
        if variables.get(name) is None:
            raise Malformed(f"Variable ${name} of required type was provided invalid value")


def _things(issue: Issue) -> list[tuple[str, Thread | Comment | Review | ReviewComment]]:
    found: list[tuple[str, Thread | Comment | Review | ReviewComment]] = []
    found += [("IssueComment", each) for each in issue.comments]
    if issue.pull is not None:
        found += [("PullRequestReview", each) for each in issue.pull.reviews]
        found += [("PullRequestReviewThread", each) for each in issue.pull.threads]
        found += [("PullRequestReviewComment", said) for each in issue.pull.threads for said in each.comments]
    return found


def _shape(view: View, repo: Repository, issue: Issue, thing: Thread | Comment | Review | ReviewComment) -> Object:
    match thing:
        case Thread():
            return view.thread(repo, issue, thing)
        case Comment():
            return view.comment(repo, issue, thing)
        case Review():
            return view.review(repo, issue, thing)
        case ReviewComment():
            return view.review_comment(repo, issue, thing)


def _payload(name: str, wanted: Arguments, **fields: Any) -> Object:
    return Object(name, {"clientMutationId": wanted.get("clientMutationId"), **fields}, frozenset())


def _chosen(operations: list[Operation], name: str | None) -> Operation:
    for operation in operations:
        if name in (None, "", operation.name):
            return operation
    raise Malformed(f"No operation named {name!r}")
