"""Logs for people and for machines."""

import json
import logging

import pytest

from bot.logs import set_up_logs


@pytest.fixture
def log():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield logging.getLogger("ao.test")
    root.handlers[:], root.level = handlers, level


def test_people_read_time_level_message_and_ids(log, capsys):
    set_up_logs("info", "text")
    log.info("delivery done", extra={"delivery_id": "g-1", "ms": 3})
    log.debug("not shown")
    line = capsys.readouterr().err
    assert line.endswith(" INFO    delivery done  delivery_id=g-1 ms=3\n")
    assert line.count("\n") == 1


def test_people_read_the_traceback_below_the_line(log, capsys):
    set_up_logs("debug", "text")
    log.error("it broke", exc_info=ValueError("what?"), extra={"session_id": "app-1"})
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("it broke  session_id=app-1")
    assert rest == ["  ValueError: what?"]


FORGED = "\x1b[31mX\x1b]0;pwn\x07\r\n2026-11-29 09:00:00,000 INFO    forged\x7f\x85\x9b\u2028\u202e"


def test_what_others_wrote_forges_no_line_and_steers_no_terminal(log, capsys):
    set_up_logs("info", "text")
    log.warning("push %s", FORGED, extra={"reason": FORGED, FORGED: 1})
    [line, end] = capsys.readouterr().err.split("\n")
    assert (line.isprintable(), end) == (True, "")
    escaped = r"\x1b[31mX\x1b]0;pwn\x07\r\n2026-11-29 09:00:00,000 INFO    forged\x7f\x85\x9b\u2028\u202e"
    assert line.endswith(f"WARNING push {escaped}  reason={escaped} {escaped}=1")


def test_traceback_with_such_words_stays_below_its_line(log, capsys):
    set_up_logs("info", "text")
    log.error("it broke", exc_info=ValueError(FORGED), stack_info=True)
    first, *rest = capsys.readouterr().err.rstrip("\n").split("\n")
    assert first.endswith("it broke")
    assert len(rest) > 4
    assert all(line.startswith("  ") and line.isprintable() for line in rest)


def test_machines_read_one_object_a_line(log, capsys):
    set_up_logs("info", "json")
    log.warning("handler failed", extra={"handler": "issues.x", "path": object})
    log.error("it broke", exc_info=ValueError("what?"))
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"], first["handler"]) == (
        "warning", "ao.test", "handler failed", "issues.x",
    )  # fmt: skip
    assert "ValueError: what?" in second["traceback"]


def test_libraries_are_heard_only_when_something_is_wrong(log, capsys):
    set_up_logs("debug", "text")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("odd")
    assert "Started" not in capsys.readouterr().err
