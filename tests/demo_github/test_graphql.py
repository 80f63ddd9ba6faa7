"""The GraphQL door."""

import pytest

from bot.demo.github.graphql.language import Malformed, Variable, parse
from tests.demo_github import git
from tests.demo_github.place import FILES, REPO, Person

HEAD = 'query($n: Int!) { repository(owner: "alice", name: "garden") { pullRequest(number: $n) { %s } } }'


async def ask(person, text, **variables):
    """The whole answer."""
    return await person.json("POST", "/graphql", {"query": text, "variables": variables}, status=200)


@pytest.fixture
async def pull(place, tmp_path):
    """A pull request with a thread and a failed check."""
    clone = await git.clone(place.bot, tmp_path / "clone")
    await git.push(clone, "work", {"app.py": FILES["app.py"].replace("line 10\n", "line ten\n")})
    await place.bot.json("POST", f"{REPO}/pulls", {"title": "Spell", "head": "work", "base": "main"}, status=201)
    comments = [{"path": "app.py", "line": 10, "body": "why?"}]
    review = {"event": "REQUEST_CHANGES", "body": "no", "comments": comments}
    await place.bob.json("POST", f"{REPO}/pulls/1/reviews", review, status=200)
    await place.hub.idle()


async def test_pull_request_is_seen_in_one_call(place, pull):
    fields = """state reviewDecision mergeable mergeStateStatus author { login }
      reviewThreads(first: 5) { nodes { isResolved line ...words } }
      commits(last: 1) { nodes { commit { statusCheckRollup { state contexts(first: 5) { nodes {
        ... on CheckRun { check: name conclusion } ... on StatusContext { context } } } } } } }"""
    fragment = "fragment words on PullRequestReviewThread { comments(first: 1) { nodes { body } } }"
    answer = await ask(place.bot, HEAD % fields + fragment, n=1)
    assert answer == {"data": {"repository": {"pullRequest": {
        "state": "OPEN", "reviewDecision": "CHANGES_REQUESTED", "mergeable": "MERGEABLE",
        "mergeStateStatus": "UNSTABLE", "author": {"login": "gardener"},
        "reviewThreads": {"nodes": [{"isResolved": False, "line": 10, "comments": {"nodes": [{"body": "why?"}]}}]},
        "commits": {"nodes": [{"commit": {"statusCheckRollup": {"state": "FAILURE", "contexts": {"nodes": [
            {"check": "test", "conclusion": "FAILURE"}]}}}}]},
    }}}}  # fmt: skip


async def test_thread_is_resolved_with_contents_permission_only(place, pull):
    found = await ask(place.bot, HEAD % "reviewThreads(first: 1) { nodes { id } }", n=1)
    number = found["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["id"]
    resolve = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
    async with Person(place.hub, place.app_jwt()) as signer:
        path = f"/app/installations/{place.installation}/access_tokens"
        token = await signer.json("POST", path, {"permissions": {"pull_requests": "write"}}, status=201)
    async with Person(place.hub, token["token"]) as narrow:
        assert (await ask(narrow, resolve, id=number))["errors"][0]["type"] == "FORBIDDEN"
    assert (await ask(place.bot, resolve, id=number))["data"]["resolveReviewThread"] == {"thread": {"isResolved": True}}
    await place.hub.idle()
    assert "pull_request_review_thread.resolved" in place.inbox.names()


async def test_app_without_checks_gets_the_rest_and_an_error(place, pull):
    place.hub.world.tokens[place.bot.token].permissions.pop("checks")
    answer = await ask(place.bot, HEAD % "state statusCheckRollup { state }", n=1)
    assert answer["data"]["repository"]["pullRequest"] == {"state": "OPEN", "statusCheckRollup": None}
    assert answer["errors"][0]["path"] == ["repository", "pullRequest", "statusCheckRollup"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ viewer { shoe } }", "Field 'shoe' doesn't exist on type 'User'"),
        ("{ viewer { login }", "Parse error on 'end of document'"),
        ("query($n: Int!) { viewer { login } }", "Variable $n"),
        ('{ repository(owner: "a", name: "b") { id } }', "Could not resolve to a Repository"),
        ('{ repository(owner: "alice", name: "garden") { issues { totalCount } } }', "`first` or `last`"),
    ],
)
async def test_bad_document_is_refused_with_the_reason(place, text, said):
    answer = await ask(place.alice, text)
    assert said in answer["errors"][0]["message"]


def test_document_is_read_with_all_kinds_of_values():
    field = parse('{ a: b(s: "x\\n", n: -1.5, l: [1, true, null], o: {k: E, v: $v}) @skip(if: false) }').operations[0]
    assert field.selections[0].arguments == {
        "s": "x\n", "n": -1.5, "l": [1, True, None], "o": {"k": "E", "v": Variable("v")},
    }  # fmt: skip
    with pytest.raises(Malformed):
        parse("")
