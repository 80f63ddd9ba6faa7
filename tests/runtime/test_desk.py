"""The desk pushes and opens pull requests for agents, asked over their own socket."""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime import desk as desk_module
from runtime.desk import Desk
from runtime.errors import ForgeRefused, GitFailed, GoneFromForge
from runtime.facts import Killed, Pushed
from runtime.gate_server import Answer
from runtime.store import sessions
from tests.fakes.errands import errands_of
from tests.fakes.forge import as_fact
from tests.fakes.github import SHA

NONE = "0" * 40


class FakeGate:
    """Lets every push through, or refuses it with `refusal`."""

    refusal = None

    def __init__(self, launch, repository, *, own_branch, default_branch):
        self.own = own_branch

    def serve(self, branch):
        self.own = branch

    async def ensure(self, python):
        return None

    async def freshen(self):
        return None

    async def receive(self, request, remote):
        return Answer.refused(self.refusal) if self.refusal else Answer.done(f"{self.own} pushed to {remote.url}")


class Outcome:
    """What the forge makes of a pull request."""

    def __init__(self):
        self.asked, self.error = [], None

    async def __call__(self, key):
        self.asked.append(key)
        if self.error:
            raise self.error
        return {"url": "https://gh/pull/5", "number": 5}


@pytest.fixture
def outcome():
    return Outcome()


@pytest.fixture
async def counter(bot, outcome, monkeypatch):
    """The desk of one session, and what its agent can ask there."""
    monkeypatch.setattr(desk_module, "Gate", type("Gate", (FakeGate,), {}))
    root = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    workspaces = SimpleNamespace(repository=lambda session: None)
    desk = Desk(
        bot.store, workspaces, bot.forge, root, python=sys.executable, outcome=outcome,
        trusts=bot.people.trusts, errands=errands_of(bot),
    )  # fmt: skip
    await bot.starts()
    await desk.open("app-1")
    yield desk, root
    await desk.close_all()
    shutil.rmtree(root)


async def ask(counter, **request):
    reader, writer = await asyncio.open_unix_connection(str(counter[1] / "app-1/gate.sock"))
    writer.write(json.dumps({"id": "request-1", **request}).encode() + b"\n")
    said = json.loads(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return said


def push(counter, sha=SHA):
    return ask(counter, do="push", updates=[{"old": NONE, "new": sha, "ref": "refs/heads/ao/app-1"}])


def create(counter, id="request-1", **options):
    return ask(counter, id=id, do="gh", command="pr create", options={"title": "Greet", **options})


def known(bot, where):
    found = bot.store.read(lambda sql: sessions.find(sql, [where]))
    return found.id if found else None


async def test_push_is_forwarded_and_its_commit_leads_to_the_session(bot, counter):
    said = await push(counter)
    assert (said["ok"], said["text"]) == (True, "ao/app-1 pushed to https://gh/octo/app.git")
    assert [fact.sha for fact in bot.facts.pushed] == [SHA]
    assert known(bot, f"sha:octo/app@{SHA}") == "app-1"


async def test_session_that_was_given_another_branch_pushes_that_one(bot, counter):
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", branch="feature"))
    assert (await push(counter))["text"].startswith("feature pushed to")


async def test_refused_push_is_no_fact(bot, counter):
    desk_module.Gate.refusal = "not yours"
    said = await push(counter)
    assert (said["ok"], said["text"], said["exit"], bot.facts.pushed) == (False, "not yours", 1, ())


async def test_pull_request_is_opened_through_the_outbox(bot, counter, outcome):
    await bot.learns(Pushed(sha=SHA))
    said = await create(counter, body="Closes #1", draft=True)
    assert (said["ok"], said["text"]) == (True, "https://gh/pull/5")
    assert bot.outbox("pull_request") == [
        {"head": "ao/app-1", "base": "main", "title": "Greet", "body": "Closes #1", "draft": True}
    ]
    assert outcome.asked == ["octo/app:pull_request:app-1:request-1"]
    assert known(bot, "pr:octo/app#5") == "app-1"


async def test_title_and_text_of_a_pull_request_hide_nothing(bot, counter):
    await bot.learns(Pushed(sha=SHA))
    await create(counter, title="\x1b[31mGreet\u202e", body="a\x07\tb\r\nc")
    [asked] = bot.outbox("pull_request")
    assert (asked["title"], asked["body"]) == ("[31mGreet<U+202E>", "a\tb\nc")


async def test_same_request_after_a_restart_finds_its_own_row(bot, github, counter, outcome):
    await bot.learns(Pushed(sha=SHA))
    await create(counter)
    await bot.receives(github.pull(github.open_pull()))
    await counter[0].close("app-1")
    await counter[0].open("app-1")
    assert (await create(counter))["text"] == "https://gh/pull/5"
    assert len(bot.outbox("pull_request")) == 1


async def test_second_pull_request_is_refused_with_the_first_ones_address(bot, github, counter):
    await bot.learns(Pushed(sha=SHA))
    pull = github.open_pull()
    await bot.learns(as_fact(pull))
    said = await create(counter, id="request-2")
    assert (said["ok"], bot.outbox("pull_request")) == (False, [])
    assert said["text"].endswith(f"already exists:\nhttps://gh/pull/{pull.number}")


async def test_nothing_to_open_before_a_push(bot, counter):
    said = await create(counter)
    assert said["text"].startswith("Push the branch first: run `git push origin HEAD:ao/app-1`")
    assert bot.outbox("pull_request") == []


async def test_refusal_of_the_forge_is_shown(bot, counter, outcome):
    await bot.learns(Pushed(sha=SHA))
    outcome.error = ForgeRefused("No commits between main and ao/app-1", status=422)
    said = await create(counter, base="main")
    assert said["text"] == "The pull request could not be opened: No commits between main and ao/app-1"


async def test_reads_are_answered(bot, counter):
    bot.forge.paths["repos/octo/app/issues/1"] = {"id": 1}
    said = await ask(counter, do="gh", command="api", options={"path": "repos/octo/app/issues/1"})
    assert json.loads(said["text"]) == {"id": 1}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ForgeRefused("GitHub refused GET /x: 422", status=422), "GitHub refused GET /x: 422"),
        (GoneFromForge("not there"), "There is no #4242 in octo/app."),
        (GitFailed("git cat-file failed: bad object"), "git cat-file failed: bad object"),
    ],
)
async def test_what_fails_for_good_is_told_and_is_no_failure_of_ours(bot, counter, caplog, error, told):
    bot.forge.broken = error
    said = await ask(counter, do="gh", command="issue view", options={"target": "4242"})
    assert (said["ok"], said["text"]) == (False, told)
    assert caplog.records == []
    assert bot.records("gh_refused") == [f"app-1: `gh issue view` refused: {told}"]


async def test_push_that_git_cannot_read_is_refused_with_gits_reason(bot, counter, monkeypatch, caplog):
    async def receive(gate, request, remote):
        raise GitFailed("git rev-list failed: bad object")

    monkeypatch.setattr(desk_module.Gate, "receive", receive, raising=False)
    assert (await push(counter))["text"] == "git rev-list failed: bad object"
    assert (caplog.records, bot.facts.pushed) == ([], ())


async def test_pull_request_needs_a_title(bot, counter):
    await bot.learns(Pushed(sha=SHA))
    said = await ask(counter, do="gh", command="pr create", options={})
    assert said["text"] == "A pull request needs a title: add --title."


async def test_session_that_has_ended_gets_nothing_done(bot, counter):
    await bot.learns(Killed(by="me"))
    said = await push(counter)
    assert said["text"] == "This session has ended (killed); nothing can be pushed from it any more."
    assert bot.facts.pushed == ()


async def test_open_and_close_may_be_repeated(counter):
    desk, root = counter
    await desk.open("app-1")
    for _ in range(2):
        await desk.close("app-1")
    assert not (root / "app-1/gate.sock").exists()


async def test_orchestrator_changes_no_code(bot, counter):
    await bot.store.write(lambda tx: sessions.change(tx, "app-1", role="orchestrator"))
    for said in (await push(counter), await create(counter)):
        assert (said["ok"], said["exit"]) == (False, 1)
        assert "ao spawn --prompt" in said["text"]
    assert bot.outbox("pull_request") == []


def says(counter, command, id="request-9", **options):
    return ask(counter, id=id, do="ao", command=command, options=options)


async def test_agent_hears_what_became_of_its_report(bot, counter):
    said = await says(counter, "report", state="needs_input", note="Red or blue?")
    assert (said["ok"], said["text"]) == (True, "✓ app-1 reported needs_input (working → needs_input)")
    again = await says(counter, "report", state="needs_input")
    assert again["text"] == said["text"]
    assert (await says(counter, "report", id="request-8", state="done"))["text"].startswith("Report rejected: done is")
    assert (await says(counter, "report", id="request-7", state="x"))["text"].startswith("Unknown state: x.")
    assert len(bot.records("report")) == 3


async def test_report_that_was_pushed_first_is_not_taken_twice(bot, counter):
    pushed = {"kind": "acknowledge", "id": "request-9", "at": bot.clock()}
    (counter[1] / "app-1/pushes.jsonl").write_text(json.dumps(pushed) + "\n")
    assert (await says(counter, "acknowledge"))["text"] == "✓ app-1 acknowledged (working → working)"
    assert len(bot.records("report")) == 1


async def test_errands_reach_sessions_nearby_only_while_the_own_one_lives(bot, counter):
    assert "app-1  [working]" in (await says(counter, "status", id="request-2"))["text"]
    assert "no session app-9" in (await says(counter, "send", id="request-3", session="app-9", text="x"))["text"]
    started = await says(counter, "spawn", id="request-4", prompt="Do a part.")
    assert started["text"] == "SESSION=app-2"
    assert (await says(counter, "dance", id="request-5"))["text"].startswith("ao here cannot dance")
    await bot.learns(Killed(by="me"), name="app-1")
    assert "ended (killed)" in (await says(counter, "status", id="request-6"))["text"]
    assert "Report rejected: the session has ended" in (await says(counter, "acknowledge", id="request-10"))["text"]
