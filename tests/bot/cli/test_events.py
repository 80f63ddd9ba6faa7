"""`ao events` as a person types it."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bot.fake_service import record

GOLDEN = Path(__file__).parent / "golden"
AO = [sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())"]


@pytest.fixture(autouse=True)
def trail(service):
    service.trail = [
        record(1, kind="claimed", summary="app-1: claimed for o/r#1 by octo"),
        record(2, kind="fact", summary='app-1: the agent has finished its turn and said "Über \x1b]0;owned\x07alles"'),
        record(3, kind="transition", level="warning", session_id="app-20", summary="app-20: working → stuck (quiet)"),
        record(4, kind="delivery_replayed", level="error", session_id=None, summary="GitHub is away"),
    ]
    return service.trail


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_the_list_looks_right_at_every_width(ao, service, width):
    shown = ao("events", "ls", COLUMNS=width, TZ="UTC")
    assert shown.stderr == ""
    assert shown.stdout == (GOLDEN / f"events_ls_{width}.txt").read_text()
    assert max(len(line) for line in shown.stdout.splitlines()) <= int(width)


def test_a_narrow_terminal_shows_whole_sentences(ao, service):
    shown = " ".join(ao("events", "ls", COLUMNS="60").stdout.split())
    for said in (
        "warning: working → stuck (quiet)",
        'its turn and said "Über ]0;ownedalles"',
        "claimed for o/r#1 by octo",
    ):
        assert said in shown


def test_filters_reach_the_service(ao, service):
    told = ["-p", "my-app", "-s", "app-1", "-t", "fact", "--source", "push", "--log-level", "info", "--since", "2h"]
    shown = ao("events", "search", "finished", "turn", *told, "-n", "7", "--json")
    assert [one["id"] for one in json.loads(shown.stdout)] == [2]
    assert service.asked[-1][1:] == ("my-app", "app-1", "fact", "push", "info", "2h", "finished turn", 7)
    assert ao("events", "ls", "--type", "fact").stdout == ao("events", "ls", "--kind", "fact").stdout


def test_what_is_not_found_or_cannot_be_asked_is_said(ao, service):
    assert ao("events", "search", "nothing of the kind").stdout == "No such records.\n"
    shown = ao("events", "ls", "-t", "nonsense")
    assert (shown.returncode, shown.stderr) == (
        2,
        "There is no kind 'nonsense'; there are: fact. See: ao events ls --help\n",
    )


def test_records_are_counted_by_kind(ao, service):
    assert ao("events", "stats").stdout.split("\n")[-2] == "       4  in all"
    assert json.loads(ao("events", "stats", "-t", "fact", "--json").stdout) == {"fact": 1}


def follow(ao, *arguments):
    return subprocess.Popen(
        [*AO, "events", "tail", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ao.home,
        env=ao.environ(PYTHONUNBUFFERED="1", TZ="UTC"),
    )  # fmt: skip


def test_the_tail_goes_on_from_the_last_ones_until_ctrl_c(ao, service):
    tail = follow(ao, "-n", "2", "--json")
    assert [json.loads(tail.stdout.readline())["id"] for _ in range(2)] == [3, 4]
    service.trail.append(record(5))
    assert json.loads(tail.stdout.readline())["id"] == 5
    tail.send_signal(2)
    assert (tail.communicate(timeout=30), tail.returncode) == (("", ""), 0)


def test_the_tail_shows_lines_of_what_is_wanted_from_now_on(ao, service):
    tail = follow(ao, "-n", "0", "-s", "app-20")
    while ("follow", 4) not in service.asked:
        time.sleep(0.005)
    service.trail += [record(5), record(6, session_id="app-20", level="error", summary="app-20: it is over")]
    assert tail.stdout.readline() == "2020-01-01  session.spawned  app-20: error: it is over\n"
    tail.send_signal(2)
    tail.communicate(timeout=30)


def test_the_tail_refuses_what_the_service_refuses(ao, service):
    shown = ao("events", "tail", "-n", "0", "-t", "nonsense")
    assert (shown.returncode, shown.stderr) == (
        2,
        "There is no kind 'nonsense'; there are: fact. See: ao events tail --help\n",
    )


def test_the_tail_keeps_its_columns_on_a_narrow_terminal(ao, service):
    said = "app-20: the agent has finished its turn and said that everything is where it should be"
    service.trail = [record(1, kind="fact", session_id="app-20", summary=said)]
    master, slave = pty.openpty()
    tail = subprocess.Popen(
        [*AO, "events", "tail"], stdout=slave, stderr=subprocess.DEVNULL, cwd=ao.home,
        env=ao.environ(PYTHONUNBUFFERED="1", TZ="UTC", COLUMNS="70", NO_COLOR="1"),
    )  # fmt: skip
    shown = b""
    while b"should be" not in shown:
        shown += os.read(master, 1024)
    tail.send_signal(2)
    assert tail.wait(30) == 0
    os.close(master)
    os.close(slave)
    lines = shown.decode().splitlines()
    assert lines[0].startswith("2020-01-01  fact           app-20: the agent")
    assert len(lines) == 2 and lines[1].startswith(" " * 27) and max(map(len, lines)) <= 70
