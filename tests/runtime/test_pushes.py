"""Reading what agents push."""

import asyncio
import json
import os
import time

import pytest

from runtime import pushes
from runtime.facts import Process, Turn
from runtime.pushes import Wake, read, to_facts
from tests.waiting import until

NOW = 1_800_000_000.0


def line(kind, **fields):
    return json.dumps({"kind": kind, "at": NOW, **fields}).encode() + b"\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pushes.jsonl"


def pieces_of(file):
    """Read until there is nothing more."""
    pieces, offset, last = [], 0, -1
    while offset != last:
        last = offset
        found, offset = read(file, offset, now=NOW)
        pieces.append(found)
    assert offset == file.stat().st_size
    return pieces


def test_nothing_is_read_where_nothing_was_pushed(file):
    assert read(file, 0, now=NOW) == ([], 0)


def test_each_push_is_read_once(file):
    file.write_bytes(line("ready") + line("prompt", text="hi"))
    first, offset = read(file, 0, now=NOW)
    assert first == [pushes.Ready(at=NOW), pushes.Prompt(at=NOW, text="hi")]
    with file.open("ab") as more:
        more.write(line("turn_ended", last_message="done"))
    assert read(file, offset, now=NOW)[0] == [pushes.TurnEnded(at=NOW, last_message="done")]


def test_unfinished_line_is_left_for_the_next_reading(file):
    whole, half = line("ready"), b'{"kind":"prompt","te'
    file.write_bytes(whole + half)
    assert read(file, 0, now=NOW) == ([pushes.Ready(at=NOW)], len(whole))


@pytest.mark.parametrize("begun", [b'{"kind":"turn_en', b'{"kind":"hook","hook":{"kind":"x', b'{"at": 17', b'{"kin'])
def test_push_behind_one_that_a_full_disk_has_cut_off_is_heard(file, begun):
    file.write_bytes(begun + line("prompt", text='say {"kind":"ready"}'))
    assert read(file, 0, now=NOW)[0] == [pushes.Prompt(at=NOW, text='say {"kind":"ready"}')]


@pytest.mark.parametrize(
    "bad",
    [
        b"not json", b"[]", b"null", b"{}", b'{"kind":"unheard"}', b'{"kind":"prompt","text":5}', b"\xff\xfe\x00",
        b'{"kind":"ready","at":NaN}', b'{"kind":"started","pid":"x"}', b"[" * 100_000, b"9" * 5000,
        b'{"kind":"prompt","text":"' + b"x" * pushes.MAX_LINE + b'"}',
    ],
)  # fmt: skip
def test_bad_lines_are_skipped_and_reported(file, caplog, bad):
    file.write_bytes(line("ready") + bad + b"\n" + line("resumed"))
    found = [push for piece in pieces_of(file) for push in piece]
    assert found == [pushes.Ready(at=NOW), pushes.Resumed(at=NOW)]
    assert "pushes skipped" in caplog.messages


def test_many_bad_lines_are_reported_once(file, caplog):
    file.write_bytes(b"x\n" * 1000)
    read(file, 0, now=NOW)
    assert [(one.message, one.count) for one in caplog.records] == [("pushes skipped", 1000)]


def test_many_lines_are_read_in_pieces_that_one_commit_can_take(file):
    file.write_bytes(line("ready") * 5000)
    pieces = [len(found) for found in pieces_of(file)]
    assert sum(pieces) == 5000
    assert max(pieces) < 1000


def test_endless_line_is_passed_over_in_bounded_pieces(file):
    file.write_bytes(b"x" * (2 * pushes.MAX_READ) + b"\n" + line("ready"))
    assert [push for piece in pieces_of(file) for push in piece] == [pushes.Ready(at=NOW)]


@pytest.mark.parametrize(
    ("at", "sane"), [(NOW - 60, NOW - 60), (0, NOW), (-1e300, NOW), (NOW + 1e9, NOW), (1e308, NOW)]
)
def test_times_are_made_sane(file, at, sane):
    file.write_bytes(line("ready", at=at))
    assert read(file, 0, now=NOW)[0][0].at == sane


def test_shortened_file_is_not_read_again_from_its_beginning(file, caplog):
    file.write_bytes(line("ready"))
    assert read(file, 10_000, now=NOW) == ([], file.stat().st_size)
    assert caplog.messages


@pytest.mark.parametrize("trap", ["link", "pipe", "directory"])
def test_what_is_not_a_file_gives_nothing_and_does_not_block(file, tmp_path, trap):
    if trap == "link":
        (tmp_path / "secret").write_bytes(line("ready"))
        file.symlink_to(tmp_path / "secret")
    elif trap == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    assert read(file, 0, now=NOW) == ([], 0)


@pytest.mark.parametrize(
    ("pushed", "fact"),
    [
        (line("started", pid="12"), Process(at=NOW, state="running", pid=12)),
        (
            line("started", run="r1", pid="12", boot="b", ticks="345"),
            Process(at=NOW, state="running", run="r1", pid=12, boot="b", ticks=345),
        ),
        (line("started", ticks="0", boot=""), Process(at=NOW, state="running")),
        (line("exited", code="3", run="r1"), Process(at=NOW, state="exited", run="r1", exit_code=3)),
        (line("exited", code="3"), Process(at=NOW, state="exited", exit_code=3)),
        (line("exited", code=None, signal=9), Process(at=NOW, state="exited", signal=9)),
        (line("ready"), Turn(at=NOW, state="ready", number=4)),
        (line("prompt", text="x"), Turn(at=NOW, state="active", number=5)),
        (line("turn_ended", last_message="ok"), Turn(at=NOW, state="ready", number=4, last_message="ok")),
        (line("waiting", question="may I?"), Turn(at=NOW, state="waiting", number=4, question="may I?")),
        (line("resumed"), Turn(at=NOW, state="active", number=4)),
        (line("blocked", error="529"), Turn(at=NOW, state="blocked", number=4, last_message="529")),
    ],
)
def test_pushes_become_facts(file, pushed, fact):
    file.write_bytes(pushed)
    assert to_facts(read(file, 0, now=NOW)[0][0], 4) == [fact]


def test_raw_hook_is_no_fact(file):
    file.write_bytes(line("hook", hook={"hook_event_name": "Stop"}))
    [hook] = read(file, 0, now=NOW)[0]
    assert hook == pushes.Hook(at=NOW, hook={"hook_event_name": "Stop"})
    assert to_facts(hook, 0) == []


async def test_a_poke_wakes_the_right_session(tmp_path):
    woken = []
    wake = Wake(woken.append)
    for number in range(100):
        os.mkfifo(tmp_path / f"{number}")
        assert wake.watch(f"s-{number}", tmp_path / f"{number}")
    poke(tmp_path / "42")
    await until(lambda: woken)
    wake.unwatch("s-42")
    wake.unwatch("s-42")
    poke(tmp_path / "42")
    poke(tmp_path / "7")
    await until(lambda: "s-7" in woken)
    assert set(woken) == {"s-42", "s-7"}
    wake.close()


async def test_waiting_costs_nothing(tmp_path):
    woken = []
    wake = Wake(woken.append)
    os.mkfifo(tmp_path / "fifo")
    wake.watch("s-1", tmp_path / "fifo")
    poke(tmp_path / "fifo")
    await until(lambda: woken)
    used = time.process_time()
    await asyncio.sleep(0.2)  # looking all the time would cost something
    assert woken == ["s-1"]
    assert time.process_time() - used < 0.15
    wake.close()


@pytest.mark.parametrize("trap", ["missing", "file", "link"])
async def test_what_is_not_a_fifo_is_not_watched(tmp_path, trap):
    os.mkfifo(tmp_path / "fifo")
    if trap == "file":
        (tmp_path / "file").touch()
    elif trap == "link":
        (tmp_path / "link").symlink_to(tmp_path / "fifo")
    wake = Wake(lambda _: None)
    assert not wake.watch("s-1", tmp_path / trap)
    wake.close()


def poke(fifo):
    with fifo.open("r+b", buffering=0) as end:
        end.write(b".")
