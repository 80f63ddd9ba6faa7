"""What a story is given."""

import pytest

from handlers.context import Context, Delivery
from handlers.payloads import IssueEvent
from runtime.errors import Permanent
from runtime.facts import Killed


def context(bot, **changed):
    known = {
        "session": None, "facts": None, "forge": bot.forge, "people": bot.people, "now": bot.clock(),
        "find_program": lambda project, agent: agent,
    }  # fmt: skip
    return Context(project=bot.project, **{**known, **changed})


@pytest.mark.parametrize(
    "ask",
    [
        lambda ctx: ctx.learn(Killed(by="x")),
        lambda ctx: ctx.address("pr:octo/app#1"),
        lambda ctx: ctx.tell(kind="comment", key="k", author="x", parts={}),
    ],
)
async def test_story_that_needs_a_session_fails_for_good_without_one(bot, ask):
    with pytest.raises(Permanent, match="needs a session"):
        ask(context(bot))


async def test_nothing_happens_before_the_commit(bot, github):
    await bot.starts()
    ctx = context(bot, session=bot.session, facts=bot.facts)
    ctx.learn(Killed(by="x"))
    ctx.comment(1, "Hi", key="k")
    assert (len(ctx.ops), bot.facts.killed, bot.said) == (2, None, [])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"action": "labeled", "issue": "\xff"}', b"[" * 99_999])
def test_payload_of_another_shape_fails_for_good(body):
    with pytest.raises(Permanent, match="issues payload of an unexpected shape"):
        Delivery(id=1, guid="g", event="issues", body=body).view(IssueEvent)
