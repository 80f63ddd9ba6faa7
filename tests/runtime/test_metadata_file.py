"""The text of metadata files: any text survives, and whatever somebody makes of a file can be read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.metadata_file import REMEMBERED, Written, parse, render

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(deadline=None)
@given(st.dictionaries(KEYS, TEXTS, max_size=8))
def test_any_text_survives(values):
    text = render(values)
    assert parse(text) == (values, [])
    assert text.count(b"\n") == len(values)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data):
    values, problems = parse(data)
    assert len(values) + len(problems) <= data.count(b"\n") + 1
    render(values)


def test_what_cannot_be_seen_is_written_as_an_escape():
    assert render({"a": "x\ny\t\\ \x1b\u202e\U000e0041"}) == b"a=x\\ny\\t\\\\ \\u001b\\u202e\\U000e0041\n"
    assert render({"a": "grün 😀", "b": ""}) == "a=grün 😀\n".encode()


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"\xef\xbb\xbfa=1\r\nb = 2\r\n\n  \n", {"a": "1", "b": " 2"}),
        (b"a=1\na=2\n", {"a": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=", {"a": ""}),
        (b"a=C:\\dir \\x", {"a": "C:\\dir \\x"}),
    ],
)
def test_hand_written_files_are_understood(data, values):
    assert parse(data) == (values, [])


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (b"# a comment\n", "# a comment", "not key=value"),
        (b"9=x\n", "9=x", "a key is a letter"),
        (b"a b=x\n", "a b=x", "a key is a letter"),
        (b"a=\xff\n", "a=\ufffd", "not UTF-8"),
        (b"a=\\ud800\n", "a=\\ud800", "no character"),
        (b"a=\\U00110000\n", "a=\\U00110000", "no character"),
        (b"a=" + b"x" * 4001, "a=" + "x" * 78, "longer than 4000"),
        (b"\x7fELF\0\0", "", "no text"),
    ],
)
def test_bad_lines_say_why(data, line, why):
    values, (problem,) = parse(data)
    assert (values, problem.line) == ({}, line)
    assert why in problem.why


def test_change_is_seen_from_the_version_that_somebody_began_with():
    written = Written().then({"status": "working", "summary": "One"})
    began = parse(render(written.lines))[0]
    written = written.then({"status": "idle", "summary": "Two", "pr": "5"})
    assert written.changed_in({**began, "team": "infra"}) == {"team": "infra"}
    assert written.changed_in({"status": "idle", "summary": "Mine", "pr": "5"}) == {"summary": "Mine"}
    assert written.changed_in({"status": "idle"}) == {}


def test_older_versions_are_known_and_then_forgotten():
    written = Written()
    texts = []
    for number in range(REMEMBERED + 3):
        written = written.then({"status": "working", "n": str(number), "odd": "yes" if number % 2 else ""})
        texts.append(render(written.lines))
    assert [written.is_own(text) for text in texts] == [False] * 3 + [True] * REMEMBERED
    assert list(written._versions())[-1] == {"status": "working", "n": "3", "odd": "yes"}
    assert not written.is_own(b"")
