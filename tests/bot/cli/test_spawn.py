"""`ao spawn` and `ao batch-spawn` as a person types them."""

import msgspec
import pytest

from bot.api.spawns import Outcome, Spawn, SpawnMany


def asked(service):
    """What the service was asked once, besides the key that every spawn has."""
    [(what, wanted)] = service.asked
    assert what == "spawn"
    assert wanted.key
    return msgspec.structs.replace(wanted, key=None)


def test_spawn_says_what_has_started_and_ends_with_its_name(ao, service):
    service.issue = "42"
    shown = ao("spawn", "my-app/42", "--agent", "codex", "--model", "big", "--prompt", "In French.")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [
        "✓ Session app-5 spawned for issue #42",
        "  Branch  ao/app-5",
        "  Attach  ao session attach app-5",
        "SESSION=app-5",
    ]
    wanted = Spawn(issue="my-app/42", agent="codex", model="big", prompt="In French.")
    assert asked(service) == wanted


@pytest.mark.parametrize("number", ["7", "#7", "https://github.com/o/my-app/pull/7", "https://x/o/my-app/pull/7/"])
def test_pull_request_is_named_by_number_or_address(ao, service, number):
    service.claimed = "https://github.com/o/my-app/pull/7"
    shown = ao("spawn", "--claim-pr", number, AO_SESSION="app-1")
    assert shown.stdout.splitlines()[0] == "✓ Session app-5 spawned (claimed https://github.com/o/my-app/pull/7)"
    assert asked(service) == Spawn(pull=7, author="app-1")


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("queued", "⋯ Session app-5 waits in the queue, number 2"),
        ("starting", "⋯ Session app-5 is still starting. See: ao status"),
    ],
)
def test_session_that_does_not_run_yet_is_named_too(ao, service, outcome, line):
    service.outcome = outcome
    shown = ao("spawn", "--prompt", "x")
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == [line, "  Branch  ao/app-5", "SESSION=app-5"]


def test_start_that_fails_says_what_failed(ao, service):
    service.outcome = "gone"
    shown = ao("spawn", "1")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "app-5 could not start. Step `launch` failed: no script\n"


def test_batch_says_what_became_of_each_issue(ao, service):
    service.outcomes = [
        Outcome(issue="42", result="created", session="app-5"),
        Outcome(issue="43", result="skipped", session="app-1", why="already has session app-1"),
        Outcome(issue="42", result="skipped", why="duplicate in this batch"),
    ]
    shown = ao("batch-spawn", "42", "43", "42", "-p", "my-app")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [
        "Created app-5 for 42",
        "Skip 43 — already has session app-1",
        "Skip 42 — duplicate in this batch",
        "",
        "Created: 1  Skipped: 2  Failed: 0",
    ]
    assert service.asked == [("spawn_many", SpawnMany(issues=["42", "43", "42"], project="my-app"))]


def test_batch_with_a_failure_ends_with_1(ao, service):
    service.outcome = "gone"
    service.outcomes = [
        Outcome(issue="42", result="created", session="app-5"),
        Outcome(issue="99", result="failed", why="There is no issue #99 in o/my-app"),
    ]
    shown = ao("batch-spawn", "42", "99")
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        "Failed 42 — app-5 could not start. Step `launch` failed: no script",
        "Failed 99 — There is no issue #99 in o/my-app",
    ]
    assert shown.stdout.splitlines()[-1] == "Created: 0  Skipped: 0  Failed: 2"
