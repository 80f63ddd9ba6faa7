"""The acts of the demo, when something is not as they say: the demo must not end well then."""

import subprocess
from types import SimpleNamespace

import pytest

from bot.demo import acts
from bot.demo.acts import NotSo, Story
from bot.demo.service import Service
from bot.demo.stage import REPO

WORDS = [text for _, text in acts.project.REVIEW_COMMENTS]


class FakeService(Service):
    """A service that has cleaned up, and says so; `messages` is what it says it has told the agent."""

    def __init__(self, home):
        super().__init__(home, [], {})
        self.messages = []
        self.there = []

    async def get(self, path):
        return self.messages if path.endswith("/messages") else {"status": "merged", "workspacePath": None}

    async def terminals(self):
        return self.there


class FakePerson:
    """Reads a pull request on which all has been said."""

    async def review(self, *_):
        return None

    async def get(self, path):
        if path.endswith("/comments") and path.startswith("/pulls"):
            replies = [{"id": 3 + n, "body": "Done.", "in_reply_to_id": n} for n in (1, 2)]
            return [{"id": 1, "body": "?"}, {"id": 2, "body": "?"}, *replies]
        if path.endswith("/comments"):
            return [{"user": {"login": "ao-demo[bot]"}, "body": "Merged | Session | cleaned up"}]
        return {"head": {"sha": "b" * 40}}

    async def merge(self, _):
        return None


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "data" / "repos" / f"{REPO}.git"
    git = ["git", "--git-dir", path]
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    tree = subprocess.check_output([*git, "hash-object", "-t", "tree", "-w", "--stdin"], input=b"").strip()
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    commit = subprocess.check_output([*git, *who, "commit-tree", "-m", "x", tree]).strip()

    def make(ref):
        subprocess.run([*git, "update-ref", ref, commit], check=True)

    return make


@pytest.fixture
def story(tmp_path, repository, monkeypatch):
    monkeypatch.setattr(acts, "_has_status", lambda *_: _true())
    person = FakePerson()
    stage = SimpleNamespace(
        service=FakeService(tmp_path), maintainer=person, reviewer=person, bot_login="ao-demo[bot]", agent="scripted"
    )
    (tmp_path / "names.py").write_text("def initials():\n    return ''\n")
    return Story(
        stage, patience=0.2, issue=1, pull=2, session="nam-1", branch="ao/nam-1", worktree=tmp_path, heads=["a" * 40]
    )


async def _true():
    return True


@pytest.fixture
def cleaned_up(story, tmp_path):
    story.worktree = tmp_path / "gone"
    return story


async def test_merge_is_cleaned_up_when_nothing_is_left(cleaned_up):
    assert "nothing was left to preserve" in await acts.merge(cleaned_up)


async def test_branch_that_is_left_ends_the_story(cleaned_up, repository):
    repository("refs/heads/ao/nam-1")
    with pytest.raises(NotSo, match="branch"):
        await acts.merge(cleaned_up)


async def test_terminal_that_is_left_ends_the_story(cleaned_up):
    cleaned_up.stage.service.there = ["nam-1"]
    with pytest.raises(NotSo, match="terminal"):
        await acts.merge(cleaned_up)


async def test_work_that_was_preserved_is_named(cleaned_up, repository):
    repository("refs/ao/preserved/nam-1/20260101T000000Z")
    assert "kept under refs/ao/preserved/nam-1/2026" in await acts.merge(cleaned_up)


@pytest.mark.parametrize(
    "texts", [[], WORDS, [WORDS[0]]], ids=["no message", "a message for each comment", "half of it"]
)
async def test_review_that_is_not_one_message_ends_the_story(story, texts):
    story.stage.service.messages = [{"kind": "review", "text": text} for text in texts]
    with pytest.raises(NotSo, match="one message"):
        await acts.review(story)


async def test_review_in_one_message_is_what_it_says(story):
    story.stage.service.messages = [{"kind": "task", "text": ""}, {"kind": "review", "text": "\n".join(WORDS)}]
    assert await acts.review(story) == "two comments in one message, two answers: “Done.”"
