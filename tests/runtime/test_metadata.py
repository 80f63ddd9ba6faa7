"""Metadata files follow the store, and what people write into them follows into the store."""

import asyncio
import contextlib
import os
import shutil
import stat
import time
from types import SimpleNamespace

import pytest
import watchfiles

from runtime.errors import ForgeBusy
from runtime.facts import Killed, Turn
from runtime.look import look
from runtime.metadata import MetadataFiles
from runtime.metadata_file import parse, render
from runtime.said import AgentInfo
from runtime.store import notes, sessions
from runtime.view import view
from tests.waiting import until


class Service:
    """The part that keeps the files, as often started and stopped as a test likes."""

    def __init__(self, bot, root):
        self.bot, self.root, self.switched, self.on = bot, root, [], SimpleNamespace(branch=None)
        self.task = None

    def make(self):
        async def branch_changed(name):
            self.switched.append(name)

        return MetadataFiles(
            self.bot.store, self.root, show=self.show, head=lambda session: self.on.branch, forge=self.bot.forge,
            branch_changed=branch_changed, settle=0.0, every=0.005, after_start=0.0, look_every=0.01,
        )  # fmt: skip

    def show(self, name):
        seen = self.bot.store.read(lambda sql: look(sql, name))
        if seen is None:
            return None
        session = seen.session
        return view(
            session, seen.facts, status=session.announced_status, reason=session.announced_reason, activity="active",
            terminal=seen.steps.get("terminal"), workspace_path="/w",
        )  # fmt: skip

    async def start(self):
        self.task = asyncio.create_task(self.make().run())
        await asyncio.sleep(0)

    async def stop(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    def path(self, name="app-1"):
        return self.root / "app" / name

    def values(self, name="app-1"):
        try:
            return parse(self.path(name).read_bytes())[0]
        except OSError:
            return {}

    async def shows(self, name="app-1", **wanted):
        await until(lambda: wanted.items() <= self.values(name).items())

    def edit(self, name="app-1", **changed):
        """Save as an editor does: a new file takes the old one's place."""
        draft = self.path(name).with_name(f".{name}.swp")
        draft.write_bytes(
            render(self.values(name) | changed)
            + b"".join(f"{key}=\n".encode() for key, value in changed.items() if not value)
        )
        draft.replace(self.path(name))

    async def refused(self, count=1):
        await until(lambda: len(self.bot.records("metadata_refused")) >= count)
        return self.bot.records("metadata_refused")[-1]


@pytest.fixture
async def service(bot, tmp_path):
    service = Service(bot, tmp_path / "sessions")
    await bot.starts()
    await service.start()
    await service.shows(status="working")
    yield service
    await service.stop()


async def test_file_says_what_is_known_under_the_references_keys(bot, service):
    await bot.learns(Turn(state="ready", last_message="Done\nnow"), AgentInfo(native_id="own", cost_usd=0.5))
    await service.shows(summary="Done now", agentSessionId="own", costUsd="0.5")
    known = service.values()
    assert list(known)[:7] == ["id", "project", "status", "reason", "activity", "displayName", "summary"]
    assert {
        "issue": "1",
        "branch": "ao/app-1",
        "worktree": "/w",
        "tmuxName": "app-1",
        "runtimeHandle": "%1",
    }.items() <= known.items()
    assert stat.S_IMODE(service.path().stat().st_mode) == 0o600
    assert stat.S_IMODE(service.path().parent.stat().st_mode) == 0o700
    assert [one.name for one in service.path().parent.iterdir()] == ["app-1"]


async def test_ended_session_keeps_its_file_and_says_so(bot, service):
    await bot.learns(Killed(by="me"))
    await service.shows(status="killed", reason="manually_killed")
    assert service.values()["endedAt"]


async def test_edit_is_a_persons_word_and_an_empty_value_takes_it_back(bot, service):
    service.edit(displayName="Login", summary="Pinned", team="infra")
    await service.shows(displayName="Login", summary="Pinned", team="infra")
    await until(lambda: len(bot.facts.noted) == 3)
    assert {(one.key, one.value, one.by) for one in bot.facts.noted} == {
        ("displayName", "Login", "the metadata file"), ("summary", "Pinned", "the metadata file"),
        ("team", "infra", "the metadata file"),
    }  # fmt: skip
    assert bot.records("metadata_edited") == ["app-1: taken in from its file: displayName, summary, team"]
    service.edit(team="", displayName="")
    await service.shows(displayName=bot.session.title)
    assert "team" not in service.values(), (
        bot.facts.noted,
        bot.records("metadata_edited"),
        bot.records("metadata_refused"),
    )
    assert bot.records("metadata_refused") == []


async def test_line_that_is_appended_is_an_edit(bot, service):
    with service.path().open("a") as file:
        file.write("note=from a script\n")
    await until(lambda: bot.facts.noted)
    await service.shows(note="from a script")


async def test_derived_and_bad_lines_are_refused_and_the_file_is_as_before(bot, service):
    before = service.path().read_bytes()
    service.path().write_bytes(before.replace(b"status=working", b"status=merged") + b"# what is this\n")
    told = await service.refused()
    assert "# what is this: not key=value" in told
    assert "status=merged: this follows from what happens and cannot be set here" in told
    await until(lambda: service.path().read_bytes() == before)
    assert bot.status[0] == "working"


async def test_edit_of_an_older_version_changes_only_what_was_edited(bot, service):
    began = service.values()
    await bot.learns(Turn(state="waiting", question="Which colour?"))
    await service.shows(status="needs_input")
    service.path().write_bytes(render({**began, "team": "infra"}))
    await service.shows(team="infra", status="needs_input", summary="Which colour?")
    assert [one.key for one in bot.facts.noted] == ["team"]
    assert bot.records("metadata_refused") == []


@pytest.mark.parametrize("down", [False, True])
async def test_issue_pull_request_and_branch_lead_deliveries_to_the_session(bot, github, service, down):
    pull = github.open_pull(branch="topic")
    other = github.open_issue("Say goodbye", "In Dutch.").number
    if down:
        await service.stop()
    service.on.branch = "topic"
    service.edit(issue=f"#{other}", pr=f"https://gh/octo/app/pull/{pull.number}", branch="topic")
    if down:
        await service.start()
    await service.shows(issue=str(other), issueTitle="Say goodbye", branch="topic")
    for where in (f"issue:octo/app#{other}", f"pr:octo/app#{pull.number}", "branch:octo/app:topic"):
        found = bot.store.read(lambda sql, where=where: sessions.find(sql, [where]))
        assert found is not None and found.id == "app-1"
    assert bot.store.read(lambda sql: sessions.find(sql, ["issue:octo/app#1"])) is None
    assert bot.facts.pull_request.number == pull.number
    assert bot.session.task == "In Dutch."
    assert service.switched == ["app-1"]
    service.edit(issue="", pr="")
    await until(lambda: bot.facts.pull_request is None and bot.session.issue is None)


async def test_what_another_live_session_has_is_refused(bot, github, service):
    other = await bot.starts()
    await service.shows(other.id, status="working")
    service.edit(issue=str(other.issue), branch=other.branch)
    told = await service.refused()
    assert f"issue {other.issue}" not in told
    assert f"issue #{other.issue} belongs to app-2" in told
    assert "branch ao/app-2 belongs to app-2" in told
    await service.shows(issue="1", branch="ao/app-1")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"issue": "soon"}, "write the number"),
        ({"issue": "404"}, "there is no issue #404 in octo/app"),
        ({"pr": "404"}, "There is no pull request #404"),
        ({"branch": "main"}, "no name of a branch"),
        ({"branch": "../x"}, "no name of a branch"),
        ({"branch": "x.lock"}, "no name of a branch"),
        ({"branch": "other"}, "its worktree is on ao/app-1: switch it there first"),
    ],
)
async def test_wrong_values_are_refused_with_a_reason(bot, service, changed, why):
    service.on.branch = "ao/app-1"
    service.edit(**changed)
    assert why in await service.refused()
    await service.shows(issue="1", branch="ao/app-1")


async def test_branch_may_have_any_name_that_git_takes(bot, service):
    service.edit(branch="fix/#7+größer")
    await until(lambda: bot.session.branch == "fix/#7+größer")


async def test_pull_request_is_no_issue(bot, github, service):
    service.edit(issue=str(github.open_pull(branch="topic").number))
    assert "is a pull request: write it behind `pr=`" in await service.refused()


@pytest.mark.parametrize(("key", "what"), [("pr", "pull request"), ("issue", "issue")])
async def test_forge_that_cannot_be_asked_is_a_reason(bot, service, key, what):
    bot.forge.broken = ForgeBusy("limited")
    service.edit(**{key: "5"})
    assert f"the {what} cannot be looked at now (limited)" in await service.refused()


async def test_ended_session_takes_words_but_no_issue(bot, service):
    await bot.learns(Killed(by="me"))
    await service.shows(status="killed")
    service.edit(issue="9", note="gone")
    assert "issue=9: the session has ended" in await service.refused()
    await service.shows(note="gone", issue="1")


async def spoil_link(path, tmp_path):
    (tmp_path / "elsewhere").write_text("summary=stolen\n")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")


async def spoil_directory(path, tmp_path):
    path.unlink()
    path.mkdir()
    (path / "x").touch()


async def spoil_huge(path, tmp_path):
    path.write_bytes(b"summary=x\n" * 200_000)


async def spoil_binary(path, tmp_path):
    path.write_bytes(os.urandom(4096) + b"\0\n")


@pytest.mark.parametrize("spoil", [spoil_link, spoil_directory, spoil_huge, spoil_binary])
async def test_what_is_no_text_file_is_replaced(bot, service, tmp_path, spoil):
    before = service.path().read_bytes()
    await spoil(service.path(), tmp_path)
    await service.refused()
    await until(lambda: service.path().is_file() and not service.path().is_symlink())
    await until(lambda: service.path().read_bytes() == before)
    assert bot.facts.noted == ()
    if (tmp_path / "elsewhere").exists():
        assert (tmp_path / "elsewhere").read_text() == "summary=stolen\n"


@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_what_is_removed_comes_back(bot, service, depth):
    gone = [service.path(), service.path().parent, service.root][depth]
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    await until(service.path().exists)
    service.edit(team="infra")
    await service.shows(team="infra")
    await until(lambda: bot.facts.noted)


async def test_directory_that_is_removed_in_the_moment_it_is_to_be_watched_is_watched_again(bot, service, monkeypatch):
    await service.stop()
    watched, real = [], watchfiles.awatch

    async def awatch(*args, **options):
        watched.append(args)
        if len(watched) == 1:
            raise FileNotFoundError("No path was found.")
        async for changes in real(*args, **options):
            yield changes

    monkeypatch.setattr(watchfiles, "awatch", awatch)
    await service.start()
    await until(lambda: len(watched) == 2)
    service.edit(team="infra")
    await until(lambda: bot.facts.noted)


async def test_data_directory_that_is_gone_is_said(bot, tmp_path, caplog):
    service = Service(bot, tmp_path / "gone" / "sessions")
    await service.start()
    await until(lambda: "metadata files are not watched" in caplog.text)
    await service.stop()


async def test_what_cannot_be_watched_is_looked_at(bot, service, monkeypatch):
    async def awatch(*_, **__):
        raise OSError("too many watches")
        yield

    await service.stop()
    monkeypatch.setattr(watchfiles, "awatch", awatch)
    service.edit(team="infra")
    await service.start()
    await until(lambda: bot.facts.noted)


async def test_other_files_of_editors_are_left_alone(bot, service):
    other = service.path().with_name("app-1~")
    other.write_text("summary=old\n")
    (service.path().parent / "4913").touch()
    service.edit(team="infra")
    await service.shows(team="infra")
    assert other.read_text() == "summary=old\n"


async def test_nothing_is_written_when_nothing_has_changed(bot, service):
    known = service.path().stat().st_mtime_ns
    await bot.store.write(lambda tx: tx.touched.add("app-1"))
    await bot.learns(Turn(state="ready"))
    await asyncio.sleep(0.1)
    assert service.path().stat().st_mtime_ns == known


async def test_file_written_before_a_crash_is_not_taken_for_an_edit(bot, service):
    """The note is written first: killed between the two, neither content is somebody's."""
    before = service.path().read_bytes()
    await bot.learns(Turn(state="waiting", question="Which?"))
    await service.shows(status="needs_input")
    await service.stop()
    service.path().write_bytes(before)
    draft = service.path().with_name("app-1.0123abcd.new")
    draft.touch()
    await service.start()
    await service.shows(status="needs_input", summary="Which?")
    await until(lambda: not draft.exists())
    assert (bot.facts.noted, bot.records("metadata_refused")) == ((), [])


async def test_old_file_of_a_lost_store_is_no_edit(bot, tmp_path):
    service = Service(bot, tmp_path / "sessions")
    service.path().parent.mkdir(parents=True)
    service.path().write_text("summary=of another life\nstatus=merged\n")
    await bot.starts()
    await service.start()
    await service.shows(status="working")
    assert (bot.facts.noted, bot.records("metadata_refused")) == ((), [])
    await service.stop()


async def test_file_of_a_session_that_is_gone_is_removed(bot, service):
    await service.stop()
    note = bot.store.read(lambda sql: notes.get(sql, "metadata:app-1"))
    await bot.store.write(lambda tx: notes.put(tx, "metadata:app-9", note))
    shutil.copy(service.path(), service.path("app-9"))
    await service.start()
    await until(lambda: not service.path("app-9").exists())
    await until(
        lambda: bot.store.read(lambda sql: notes.firsts(sql, "metadata:", "hashes").keys()) == {"metadata:app-1"}
    )


async def test_file_that_is_still_being_written_is_waited_for(bot, service, tmp_path, monkeypatch):
    files = service.make()
    path = tmp_path / "half"
    path.write_text("pr=1")
    now = path.stat().st_mtime
    monkeypatch.setattr(time, "time", lambda: now + 0.25)
    assert files._unsettled(path, b"pr=1") == pytest.approx(1.75)
    assert files._unsettled(path, b"pr=12\n") == 0.0
    monkeypatch.setattr(time, "time", lambda: now - 500)
    assert files._unsettled(path, b"pr=1") == 0.0
