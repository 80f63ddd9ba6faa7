"""Sending the outbox: in order, spaced, and exactly once whatever happens on the way."""

import asyncio
import re
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.github.identity import Identity
from bot.github.outbox_sender import OutboxSender, backoff
from runtime.errors import ForgeRefused, StoreBusy
from runtime.redact import MOST, Redactor
from runtime.store import outbox
from tests.bot.github.comments import BAD_GATEWAY, LOST_ANSWER, NEVER_ARRIVED, Board, Hang

HELLO = {"kind": "comment", "payload": {"number": 1, "body": "hello @alice, ghp_" + "x1" * 20}}
REPLY = {"kind": "reply", "payload": {"pull": 2, "comment_id": 7, "body": "done"}}
PULL = {
    "kind": "pull_request",
    "payload": {"head": "ao/app-1", "base": "main", "title": "Add it", "body": "For #1", "draft": False},
}
STATUS = {"kind": "status_comment", "payload": {"number": 1}}
HAPPENED, NOTHING_HAPPENED = [LOST_ANSWER, BAD_GATEWAY], [NEVER_ARRIVED]


class Sending:
    """A sender with everything it needs."""

    def __init__(self, store, hub, api, time):
        api.get("/user").respond(json={"id": 9, "login": "alice"})
        self.store, self.hub, self.time = store, hub, time
        self.board = Board(api)
        self.status = "working"
        self.records = []

    def sender(self, **policy):
        """A new sender, as after a start."""
        values = {"write_interval": 0.0, "settle": 0.0, "backoff": lambda _: 0.0} | policy
        return OutboxSender(
            self.store, self.hub, Identity(self.hub, self.store), redact=Redactor(), sleep=self.time.sleep,
            render=lambda session: f"{session} is {self.status}", **values,
        )  # fmt: skip

    async def ask(self, key, *, kind, payload, session_id="app-1", repo="o/r", **more):
        """Put a row into the outbox."""
        await self.store.write(
            lambda tx: outbox.enqueue(tx, key=key, kind=kind, repo=repo, payload=payload, session_id=session_id, **more)
        )

    async def revise(self, interval=0.0):
        """Say that the status changed."""
        await self.store.write(
            lambda tx: outbox.revise(
                tx, key="s", repo="o/r", payload=STATUS["payload"], session_id="app-1", edit_interval=interval
            )
        )

    def row(self, key):
        """The row as it is now."""
        return self.store.read(lambda sql: outbox.find(sql, key))

    async def settled(self):
        """Wait until nothing is left to send; fails after half a minute."""
        async with asyncio.timeout(30):
            while self.store.read(outbox.unsent):
                await asyncio.sleep(0.002)


@pytest.fixture
def desk(store, hub, api, time):
    return Sending(store, hub, api, time)


@asynccontextmanager
async def running(sender):
    """A sender at work, killed at the end."""
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_comment_is_written_redacted_and_marked(desk):
    await desk.ask("o/r:hello 1", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    [body] = desk.board.bodies
    assert body == "hello alice, [redacted]\n\n<!-- ao:comment:o/r:hello%201 -->"
    row = desk.row("o/r:hello 1")
    assert (row.state, row.remote_id, row.result["url"]) == ("sent", "100", "https://x/100")


@pytest.mark.parametrize("lines", [1, 20_000])
async def test_marker_stands_outside_of_a_code_block_that_was_left_open(desk, lines):
    await desk.ask("k", kind="comment", payload={"number": 1, "body": "See:\n~~~~py\n" + "x = 1\n" * lines})
    async with running(desk.sender()):
        await desk.settled()
    [body] = desk.board.bodies
    assert re.search(r"\nx.*\n~~~~\n(\n… \(shortened\)\n)?\n<!-- ao:comment:k -->\Z", body)
    assert len(body) <= MOST


async def test_rows_added_later_wake_the_sender(desk):
    async with running(desk.sender()):
        for key in "abc":
            await desk.ask(key, **HELLO)
            await desk.settled()
    assert len(desk.board.comments) == 3


async def test_a_sessions_rows_are_sent_in_order(desk):
    for key in "abcdef":
        await desk.ask(key, kind="comment", payload={"number": 1, "body": key})
    async with running(desk.sender()):
        await desk.settled()
    assert [body[0] for body in desk.board.bodies] == list("abcdef")


@pytest.mark.parametrize("row", [HELLO, REPLY, PULL, STATUS], ids=lambda row: row["kind"])
@pytest.mark.parametrize("trouble", HAPPENED + NOTHING_HAPPENED)
async def test_an_uncertain_write_ends_as_one(desk, row, trouble):
    desk.board.troubles = [trouble, trouble, trouble]
    await desk.ask("k", **row)
    async with running(desk.sender()):
        await desk.settled()
    assert len(desk.board.comments) + len(desk.board.replies) + len(desk.board.pulls) == 1
    assert desk.row("k").state == "sent"
    assert len(desk.board.writes) == (1 if trouble in HAPPENED else 4) or row is STATUS


@pytest.mark.parametrize("row", [HELLO, REPLY, PULL, STATUS], ids=lambda row: row["kind"])
@pytest.mark.parametrize("kept", [True, False])
async def test_a_sender_killed_in_mid_request_is_finished_by_the_next(desk, row, kept):
    hang = Hang(kept=kept)
    desk.board.troubles = [hang]
    await desk.ask("k", **row)
    async with running(desk.sender()):
        await asyncio.wait_for(hang.reached.wait(), 30)
    assert desk.row("k").state == "sending"
    async with running(desk.sender()):
        await desk.settled()
    assert len(desk.board.comments) + len(desk.board.replies) + len(desk.board.pulls) == 1


async def test_a_killed_request_is_given_time_to_end(desk):
    await desk.ask("k", **HELLO)
    row = desk.row("k")
    await desk.store.write(lambda tx: outbox.sending(tx, row))
    async with running(desk.sender(settle=2.0)):
        await desk.settled()
    assert sum(desk.time.slept) == pytest.approx(2.0)


async def test_somebody_elses_comment_with_our_marker_does_not_silence_us(desk):
    desk.board._add(desk.board.comments, "<!-- ao:comment:k -->")
    desk.board.comments[100]["user"] = {"login": "mallory"}
    desk.board.troubles = [NEVER_ARRIVED]
    await desk.ask("k", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert len(desk.board.comments) == 2


async def test_the_status_comment_edits_itself(desk):
    await desk.revise()
    async with running(desk.sender()):
        await desk.settled()
        desk.status = "done"
        await desk.revise()
        await desk.settled()
    assert [body.splitlines()[0] for body in desk.board.bodies] == ["app-1 is done"]
    assert [method for method, _ in desk.board.writes] == ["POST", "PATCH"]


async def test_an_unchanged_status_costs_no_request(desk):
    await desk.revise()
    async with running(desk.sender()):
        await desk.settled()
        await desk.revise()
        await desk.settled()
    assert len(desk.board.writes) == 1


@pytest.mark.parametrize("trouble", HAPPENED + NOTHING_HAPPENED)
async def test_an_uncertain_edit_is_made_again(desk, trouble):
    await desk.revise()
    async with running(desk.sender()):
        await desk.settled()
        desk.status, desk.board.troubles = "done", [trouble]
        await desk.revise()
        await desk.settled()
    assert [body.splitlines()[0] for body in desk.board.bodies] == ["app-1 is done"]


async def test_quick_edits_become_one_and_do_not_hold_other_rows(desk):
    await desk.revise(30.0)
    async with running(desk.sender()):
        await desk.settled()
    began = desk.time()
    for status in ("a", "b", "c"):
        desk.status = status
        await desk.revise(30.0)
    await desk.ask("k", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert [method for method, _ in desk.board.writes] == ["POST", "POST", "PATCH"]
    assert desk.time() - began == pytest.approx(30.0)
    assert desk.board.bodies[0].startswith("app-1 is c")


async def test_what_a_delivery_has_just_named_may_appear_late(desk, time):
    began, desk.board.troubles = time(), [httpx.Response(404), httpx.Response(404)]
    await desk.ask("k", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert desk.row("k").state == "sent"
    assert time() - began == pytest.approx(5.0)


async def test_a_deleted_status_comment_stays_deleted(desk, time):
    await desk.revise()
    async with running(desk.sender()):
        await desk.settled()
        desk.board.comments.clear()
        time.now += 100
        desk.status = "done"
        await desk.revise()
        await desk.settled()
    assert not desk.board.comments
    assert (desk.row("s").state, desk.row("s").error) == ("failed", "gone")


async def test_an_open_pull_request_is_found_instead_of_made(desk):
    await desk.ask("a", **PULL)
    await desk.ask("b", **PULL)
    async with running(desk.sender()) as sender:
        first, second = await asyncio.gather(sender.wait_for("a"), sender.wait_for("b"))
    assert first == second == {"number": 10, "url": "https://x/pull/10", "head_sha": "abc"}
    assert desk.board.pulls[10]["body"].startswith("For #1")


async def test_a_refusal_fails_the_row_and_its_waiter(desk):
    desk.board.troubles = [httpx.Response(422, json={"message": "No commits between main and ao/app-1"})]
    await desk.ask("k", **PULL)
    async with running(desk.sender()) as sender:
        with pytest.raises(ForgeRefused, match="No commits between") as refused:
            await asyncio.wait_for(sender.wait_for("k"), 30)
    assert refused.value.status == 422


async def test_one_repository_out_of_reach_does_not_stop_another(desk, api):
    api.post("/repos/o/gone/issues/1/comments").respond(404)
    await desk.ask("a", repo="o/gone", **HELLO)
    await desk.ask("b", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert (desk.row("a").state, desk.row("a").error) == ("failed", "gone")
    assert desk.row("b").state == "sent"


async def test_behind_a_row_that_is_retried_its_session_waits_and_others_go_on(desk, time):
    desk.board.troubles = [NEVER_ARRIVED]
    await desk.ask("a", kind="comment", payload={"number": 1, "body": "a"})
    await desk.ask("b", kind="comment", payload={"number": 1, "body": "b"})
    await desk.ask("c", kind="comment", payload={"number": 2, "body": "c"}, session_id="app-2")
    async with running(desk.sender()):
        await desk.settled()
    assert [body[0] for body in desk.board.bodies] == ["c", "a", "b"]


async def test_a_limit_pauses_the_installation_and_nothing_is_lost(desk, time):
    desk.board.troubles = [httpx.Response(403, headers={"retry-after": "600"})]
    began = time()
    for key in "ab":
        await desk.ask(key, session_id=key, **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert len(desk.board.comments) == 2
    assert len(desk.board.writes) == 3
    assert time() - began >= 600


async def test_writes_are_a_second_apart(desk, time):
    began = time()
    for key in "abcde":
        await desk.ask(key, **HELLO)
    async with running(desk.sender(write_interval=1.0)):
        await desk.settled()
    assert time() - began == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"subject": "issue", "number": 1, "content": "eyes"}, "/repos/o/r/issues/1/reactions"),
        ({"subject": "issue_comment", "id": 5, "content": "eyes"}, "/repos/o/r/issues/comments/5/reactions"),
        ({"subject": "review_comment", "id": 6, "content": "+1"}, "/repos/o/r/pulls/comments/6/reactions"),
    ],
)
@pytest.mark.parametrize("status", [200, 201])
async def test_a_reaction_that_is_there_already_is_done(desk, api, payload, path, status):
    api.post(path).respond(status, json={"id": 3})
    await desk.ask("k", kind="reaction", payload=payload)
    async with running(desk.sender()):
        await desk.settled()
    assert desk.row("k").state == "sent"


async def test_assignee_that_github_leaves_out_is_a_failure_with_its_reason(desk, api):
    api.post("/repos/o/r/issues/2/assignees").mock(
        side_effect=[
            httpx.Response(201, json={"assignees": [{"login": "Alice"}]}), httpx.Response(201, json={"assignees": []})
        ]
    )  # fmt: skip
    async with running(desk.sender()):
        for key in ("a", "b"):
            await desk.ask(key, kind="assign", payload={"number": 2, "login": "alice"})
        await desk.settled()
    assert (desk.row("a").state, desk.row("b").state) == ("sent", "failed")
    assert desk.row("b").error == "GitHub does not take alice as an assignee of #2"


async def test_labels_go_on_and_off_whatever_they_are_called(desk, api):
    on = api.post("/repos/o/r/issues/1/labels").respond(json=[])
    off = api.delete(url__regex=r"/repos/o/r/issues/1/labels/.+").mock(
        side_effect=[httpx.Response(200, json=[]), httpx.Response(404)]
    )
    await desk.ask("a", kind="label", payload={"number": 1, "name": "agent:working"})
    for key in "bc":
        await desk.ask(key, kind="unlabel", payload={"number": 1, "name": "agent: a/b?"})
    async with running(desk.sender()):
        await desk.settled()
    assert on.calls.last.request.content == b'{"labels": ["agent:working"]}'
    assert off.calls.last.request.url.raw_path == b"/repos/o/r/issues/1/labels/agent%3A%20a%2Fb%3F"
    assert [desk.row(key).state for key in "abc"] == ["sent"] * 3


async def test_a_surprise_is_retried_a_few_times_then_given_up(desk):
    await desk.ask("k", kind="comment", payload={"body": "no number"})
    await desk.ask("l", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    assert desk.row("k").state == "failed"
    assert desk.row("k").error == "KeyError: 'number'"
    assert desk.row("l").state == "sent"


async def test_trouble_for_more_than_a_day_is_given_up(desk):
    desk.board.troubles = [NEVER_ARRIVED] * 100
    await desk.ask("k", **HELLO)
    async with running(desk.sender(backoff=lambda _: 7200.0)):
        await desk.settled()
    assert desk.row("k").error.startswith("given up after a day: GitHub is unreachable")
    assert desk.row("k").attempts >= 8


async def test_a_store_that_cannot_write_is_waited_for_and_named_once(desk, monkeypatch, caplog):
    write, busy = desk.store.write, [StoreBusy("disk full"), StoreBusy("disk full")]

    async def failing(job, **more):
        if busy:
            raise busy.pop()
        return await write(job, **more)

    await desk.ask("k", **HELLO)
    monkeypatch.setattr(desk.store, "write", failing)
    async with running(desk.sender()):
        await desk.settled()
    assert len(desk.board.comments) == 1
    [said] = [one for one in caplog.records if one.name == "bot.github.outbox_sender"]
    assert (said.message, said.error) == ("the outbox waits: the store cannot be written", "disk full")


async def test_what_github_does_not_take_is_logged_with_its_reason(desk, caplog):
    desk.board.troubles = [NEVER_ARRIVED]
    await desk.ask("k", **HELLO)
    async with running(desk.sender()):
        await desk.settled()
    [said] = [one for one in caplog.records if one.message == "GitHub is not taking a row of the outbox"]
    assert "GitHub is unreachable" in said.error


def test_tries_come_ever_more_slowly():
    assert [backoff(n) for n in (0, 1, 2, 8, 9, 10_000)] == [1, 2, 4, 256, 300, 300]


async def test_comment_under_another_key_is_edited_and_still_found_by_its_marker(desk):
    await desk.revise()
    async with running(desk.sender()):
        await desk.settled()
        [first] = desk.board.comments
        mark = desk.board.comments[first]["body"].splitlines()[-1]
        await desk.store.write(lambda tx: outbox.rekey(tx, "s", "s:left", body="It went away."))
        await desk.revise()
        await desk.settled()
    assert [one["body"].split("\n")[0] for one in desk.board.comments.values()] == ["It went away.", "app-1 is working"]
    assert desk.board.comments[first]["body"].splitlines()[-1] == mark
    assert not await desk.store.write(lambda tx: outbox.rekey(tx, "nobody", "else"))
