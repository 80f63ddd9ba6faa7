"""The story that `make test-github` holds against GitHub's own descriptions, played without them: all of it answers."""

from tests.conformance import test_conformance as story
from tests.demo_github import git
from tests.demo_github.place import REPO


class Lenient:
    """Takes every document for one that GitHub would take."""

    def query(self, _text):
        return []


async def test_every_route_answers_and_every_webhook_is_sent(place, tmp_path):
    hook = await story.app_and_hooks(place)
    await story.repository_and_people(place)
    issue, said = await story.issues_and_words(place)
    clone = await git.clone(place.bot, tmp_path / "clone")
    await story.pull_and_checks(place, Lenient(), issue, clone)
    await place.alice.json("DELETE", f"{REPO}/hooks/{hook['id']}", status=204)
    await place.hub.idle()
    assert (await place.bot.json("GET", f"{REPO}/issues/comments/{said['id']}"))["body"] == "Done"
    assert (await place.bot.json("GET", f"{REPO}/issues/{issue['number']}"))["state"] == "closed"
    assert (await place.bot.json("GET", f"{REPO}/pulls?state=closed"))[0]["merged_at"]
    assert {
        "issues.assigned", "issues.unassigned", "issues.edited", "issues.reopened", "issue_comment.deleted",
        "issue_comment.edited", "pull_request.reopened", "pull_request.edited", "check_run.requested_action",
        "pull_request_review_thread.resolved", "status", "ping",
    } <= set(place.inbox.names())  # fmt: skip
