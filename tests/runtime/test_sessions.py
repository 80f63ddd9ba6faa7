"""Names made from ids only, and many sessions read at once."""

import pytest

from runtime.facts import Killed
from runtime.look import look, looks
from runtime.sessions import branch_name, session_id
from runtime.store import messages


def test_session_is_named_by_prefix_and_number():
    assert session_id("app", 3) == "app-3"
    assert branch_name("app-3") == "ao/app-3"


@pytest.mark.parametrize("prefix", ["", "App", "a b", "a/b", "-a", "a.b", "a;b", "a:b", "$(id)", "é", "a\n"])
def test_anything_else_is_refused(prefix):
    with pytest.raises(ValueError, match="not a session id"):
        session_id(prefix, 1)


async def test_many_sessions_are_looked_at_as_one_is(bot):
    await bot.starts()
    await bot.learns(Killed(by="me"))
    await bot.starts(turn="active")
    await bot.store.write(
        lambda tx: messages.add(tx, "app-2", kind="person", source_key="k", author="me", parts={"body": "Go on."})
    )
    for live_only, names in ((True, ["app-2"]), (False, ["app-1", "app-2"])):
        found = bot.store.read(lambda sql, live=live_only: looks(sql, projects=["app"], live_only=live))
        one_by_one = [bot.store.read(lambda sql, name=name: look(sql, name)) for name in names]
        assert found == one_by_one
    assert found[1].waiting[0].parts == {"body": "Go on."}
    assert bot.store.read(lambda sql: looks(sql, projects=["other"], live_only=False)) == []
