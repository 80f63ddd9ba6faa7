"""Names made from ids only."""

import pytest

from runtime.sessions import branch_name, session_id


def test_session_is_named_by_prefix_and_number():
    assert session_id("app", 3) == "app-3"
    assert branch_name("app-3") == "ao/app-3"


@pytest.mark.parametrize("prefix", ["", "App", "a b", "a/b", "-a", "a.b", "a;b", "a:b", "$(id)", "é", "a\n"])
def test_anything_else_is_refused(prefix):
    with pytest.raises(ValueError, match="not a session id"):
        session_id(prefix, 1)
