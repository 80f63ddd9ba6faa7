"""`ao session`, `ao status`, `ao send` and `ao deliveries` as a person types them."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from rich.cells import cell_len

from bot.api.cleanups import CleanedUp, Failed, Passed
from bot.api.explain import Explanation
from runtime.tmux import Tmux
from tests.bot.fake_service import session

GOLDEN = Path(__file__).parent / "golden"
FIRST = ["name", "branch", "status", "prNumber", "ciStatus", "reviewDecision", "pendingThreads", "activity"]


def on_a_terminal(ao, *arguments: str, **environ: str) -> str:
    """Return what a command shows on a terminal; it must end well."""
    parent, child = pty.openpty()
    command = [sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main())", *arguments]
    terminal = {"stdin": child, "stdout": child, "stderr": child}
    subprocess.run(command, **terminal, env=ao.environ(**environ), cwd=ao.home, timeout=30, check=True)
    os.close(child)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
        while more := os.read(parent, 65536):
            shown += more
    os.close(parent)
    return shown.decode()


def steady(text: str) -> str:
    """Return output with the age, which grows from day to day, replaced by one of the same width."""
    return re.sub(r"\d{4}d", "9999d", text)


@pytest.mark.parametrize("width", ["60", "80", "120", "200"])
@pytest.mark.parametrize("command", ["status", "deliveries ls"])
def test_tables_look_right_at_every_width(ao, service, command, width):
    shown = ao(*command.split(), COLUMNS=width)
    assert shown.stderr == ""
    assert steady(shown.stdout) == (GOLDEN / f"{command.replace(' ', '_')}_{width}.txt").read_text()
    assert max(len(line) for line in shown.stdout.splitlines()) <= int(width)


def test_a_narrow_terminal_shows_what_a_wider_one_does(ao, service):
    shown = " ".join(ao("status", COLUMNS="60").stdout.split())
    assert "May I delete ]0;ownedthe table, or is it needed for somethi…" in shown
    journal = ao("deliveries", "ls", COLUMNS="60").stdout
    assert "pull_request_review.submitted ignored 3fd2c3f0\n" in journal


@pytest.mark.parametrize("width", ["60", "80", "120", "200"])
def test_wide_characters_emoji_and_bidi_keep_the_columns_straight(ao, service, width):
    service.rows = [
        session(
            "app-1",
            branch="feat/日本語の長いブランチ名です",
            summary="データベースを消してもよいですか" * 4,
            pr_number=7,
        ),
        session("app-2", branch="fix/👩‍👩‍👧-❤️-🇩🇪", summary="Done 🎉🎉 \u202eevil\u202c e\u0301te\u0301", pr_number=8),
        session("app-3", branch="feat/שלום", summary="مرحبا \u2067isolated\u2069", ci_status="success"),
    ]
    shown = steady(ao("status", COLUMNS=width).stdout)
    assert shown == (GOLDEN / f"status_wide_{width}.txt").read_text()
    assert max(cell_len(line) for line in shown.splitlines()) <= int(width)
    ages = [shown.splitlines()[at] for at in (3, 4, 6, 8)]
    assert len({cell_len(line) for line in ages if line.endswith("9999d")}) == 1


def test_session_ls_has_the_references_shape(ao, service):
    assert steady(ao("session", "ls").stdout) == (GOLDEN / "session_ls.txt").read_text()


def test_session_ls_breaks_a_line_between_its_parts_on_a_narrow_terminal_only(ao, service):
    shown = on_a_terminal(ao, "session", "ls", TERM="xterm", COLUMNS="60").replace("\r\n", "\n")
    assert "(9999d ago)  ao/app-1  [needs_input]\n    https://github.com/o/my-app/pull/12\n" in steady(shown)
    assert max(len(line) for line in shown.splitlines()) <= 60


def test_the_summary_of_status_is_wrapped_between_words(ao, service):
    service.rows.append(session("app-orchestrator", role="orchestrator"))
    shown = ao("status", COLUMNS="60").stdout
    assert max(len(line) for line in shown.splitlines()) <= 60
    assert "3 active sessions across 2 projects · 1 orchestrator · 1" in shown


def test_what_other_people_wrote_cannot_steer_the_terminal(ao, service):
    shown = ao("status").stdout
    assert "May I delete ]0;ownedthe table" in shown
    assert not set(shown) & {"\x1b", "\x07", "\u202e"}


@pytest.mark.parametrize("command", ["session ls", "status"])
def test_json_is_a_bare_array_with_the_references_keys_first(ao, service, command):
    rows = json.loads(ao(*command.split(), "--json").stdout)
    assert [row["name"] for row in rows] == ["app-1", "app-2", "app-3"]
    assert list(rows[0])[: len(FIRST)] == FIRST
    everything = json.loads(ao(*command.split(), "--json", "--include-terminated", "-p", "my-app").stdout)
    assert [row["name"] for row in everything] == ["app-1", "app-2", "app-3", "app-4"]


def test_orchestrators_are_listed_only_on_request(ao, service):
    service.rows.append(session("app-orchestrator", role="orchestrator"))
    assert "app-orchestrator" not in ao("session", "ls").stdout
    assert "app-orchestrator" in ao("session", "ls", "-a").stdout
    shown = ao("status").stdout
    assert "app-orchestrator" in shown
    assert "3 active sessions across 2 projects · 1 orchestrator · 1 terminated hidden\n" in shown


@pytest.mark.parametrize(
    ("command", "of"),
    [
        ("status --json", "sessions"),
        ("session ls --include-terminated --json", "sessions"),
        ("deliveries ls --json", "deliveries"),
        ("deliveries show 3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f01 --json", "delivery"),
        ("events ls --json", "events"),
        ("events stats --json", "counts"),
        ("explain app-1 --json", "explanation"),
        ("orchestrator status -p my-app --json", "session"),
        ("doctor --json", "findings"),
    ],
)
def test_json_is_as_its_schema_says(ao, service, command, of):
    service.rows.append(session("app-orchestrator", role="orchestrator"))
    service.explanations["app-1"] = Explanation(name="app-1", about="session", now=["x"], waits_for=[], chain=[])
    printed = json.loads(ao(*command.split()).stdout)
    assert printed
    jsonschema_rs.validate(json.loads(ao("config", "schema", "--of", of).stdout), printed)


def test_unknown_project_names_those_that_exist(ao, service):
    shown = ao("session", "ls", "-p", "nope")
    assert (shown.returncode, shown.stderr) == (
        2, "There is no project 'nope'; there are: my-app, other. See: ao session ls --help\n",
    )  # fmt: skip


def test_watching_and_json_exclude_each_other(ao, service):
    shown = ao("status", "-w", "--json")
    assert shown.returncode == 2
    assert "--watch and --json exclude each other" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "text"),
    [
        (["please", "add", "a", "test"], None, "please add a test"),
        (["--file", "-"], "from input\n", "from input\n"),
        (["-f", "message.md"], None, "# from a file\n"),
    ],
)
def test_message_is_taken_from_words_input_or_a_file(ao, service, arguments, stdin, text):
    (ao.home / "message.md").write_text("# from a file\n")
    shown = ao("send", "app-1", *arguments, stdin=stdin)
    assert (shown.returncode, shown.stdout) == (0, "✓ Message sent and processing\n")
    assert service.asked == [("send", "app-1", text, None, True, None)]


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("processing", "✓ Message sent and processing"),
        ("queued", "✓ Message queued (session finishing previous task)"),
        ("unconfirmed", "⚠ Message sent — could not confirm it was received"),
    ],
)
def test_outcome_of_a_message_is_said_in_the_references_words(ao, service, outcome, line):
    service.outcome = outcome
    assert ao("send", "app-1", "x", "--no-wait", "--timeout", "5").stdout == f"{line}\n"
    assert service.asked[0][4:] == (False, 5.0)


def test_message_from_a_session_says_where_it_comes_from(ao, service):
    ao("send", "app-1", "hello", AO_SESSION="app-3")
    assert service.asked[0][2:4] == ("[from app-3] hello", "app-3")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["send", "nope", "x"], 1, "Session 'nope' does not exist. List them with: ao session ls"),
        (["session", "kill", "nope"], 1, "Failed to kill session nope: Session 'nope' does not exist"),
        (["session", "attach", "nope"], 1, "Session 'nope' does not exist"),
        (["session", "attach", "app-4"], 1, "Session 'app-4' has no terminal any more"),
        (["session", "attach", "app-1"], 1, "Type this in one: tmux -S /data/tmux attach -t app-1"),
        (["session", "attach", "../../status"], 1, "'../../status' does not exist."),
        (["deliveries", "show", "nope"], 1, "There is no delivery nope"),
        (["xyzzy"], 2, "There is no command 'xyzzy'."),
        (["simulate", "--event", "push", "x.json"], 2, "`simulate` is not available yet."),
        (["session", "restore", "app-1"], 1, "Cannot restore: app-1 is live."),
    ],
)
def test_wrong_use_is_one_sentence_and_an_exit_code(ao, service, arguments, code, told):
    shown = ao(*arguments)
    assert shown.returncode == code
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""


def test_session_that_has_not_started_is_not_attached_to(ao, service):
    service.rows = [session("app-7", attach_command=None, status="spawning", queue_position=3)]
    shown = ao("session", "attach", "app-7")
    told = "app-7 has not started yet (number 3 in the queue): leave it a message with `ao send app-7 TEXT`\n"
    assert (shown.returncode, shown.stderr) == (1, told)


def test_failure_of_the_agent_is_told(ao, service):
    service.outcome = "gone"
    shown = ao("send", "app-1", "x")
    assert (shown.returncode, shown.stderr) == (1, "The agent of app-1 has ended. Label its issue again.\n")


def test_a_message_too_large_for_the_service_is_refused_not_lost(ao, service):
    shown = ao("send", "app-1", "-f", "-", stdin="x" * 1_100_000)
    assert (shown.returncode, shown.stderr) == (1, "The body is larger than 1,048,576 bytes; send less.\n")


def test_kill_says_what_it_did_and_what_is_kept(ao, service):
    shown = ao("session", "kill", "app-1")
    assert shown.stdout == (
        "Session app-1 killed.\nIts unpushed work is kept as refs/ao/preserved/app-1/1 in /data/repos/o/app.git\n"
    )
    assert ao("session", "kill", "app-4", "--reason", "twice", AO_SESSION="app-2").stdout.startswith(
        "Session app-4 had ended already.\n"
    )
    assert service.asked == [("kill", "app-1", None, None), ("kill", "app-4", "twice", "app-2")]


def test_kill_says_why_a_worktree_was_left(ao, service):
    service.left = "/data/worktrees leads to /mnt, outside of what this service manages"
    shown = ao("session", "kill", "app-1").stdout
    assert f"Its worktree was left alone: {service.left}\n" in shown


RESTORED = """✓ Session app-4 restored.
  Worktree: /data/worktrees/app-4
  Branch:   ao/app-4
  Attach:   tmux attach
"""


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "  Its agent was started afresh: scripted has no record of it.\n"),
        ({"resumed": True, "restore_fallback_reason": None}, "  Its agent goes on with its own session.\n"),
        ({"queue_position": 2}, "  It waits for a free slot, number 2 in the queue.\n"),
        (
            {"resumed": True, "replayed": "refs/ao/preserved/app-4/1"},
            "  Its work that was not committed is in the worktree again.\n  Its agent goes on with its own session.\n",
        ),
    ],
)
def test_restore_says_where_it_is_and_how_its_agent_was_started(ao, service, known, said):
    service.restored = msgspec.structs.replace(service.restored, **known)
    assert ao("session", "restore", "app-4", "--force").stdout == RESTORED + said
    assert service.asked == [("restore", "app-4", True, None)]


def test_claim_pr_says_what_was_taken_and_from_whom(ao, service):
    shown = ao("session", "claim-pr", "12", "app-1", "--assign-on-github")
    assert shown.stdout == (
        "✓ Session app-1 claimed PR #12.\n  PR: https://gh/pull/12\n  Branch: feature\n"
        "  Checkout: switched to PR branch\n  Took over from: app-2, app-3\n  GitHub assignee: updated\n"
    )
    assert service.asked == [("claim", "app-1", "12", True, None)]


def test_claim_pr_is_for_the_session_it_is_typed_in_when_none_is_named(ao, service):
    service.claim = msgspec.structs.replace(
        service.claim, branch_changed=False, taken_over_from=[], github_assigned=False, github_assignment_error="nobody"
    )
    shown = ao("session", "claim-pr", "#12", "--assign-on-github", AO_SESSION="app-2")
    assert shown.stdout.splitlines()[3:] == [
        "  Checkout: already on PR branch",
        "  GitHub assignee: not updated: nobody",
    ]
    assert service.asked == [("claim", "app-2", "#12", True, "app-2")]
    assert ao("session", "claim-pr", "12").returncode == 2


def test_cleanup_has_the_references_shape(ao, service):
    assert ao("session", "cleanup").stdout == "Checking for completed sessions...\n  No sessions to clean up.\n"
    passed = [Passed(name="app-1", reason="at work (working)")]
    service.cleaned = CleanedUp(dry_run=False, killed=["app-2", "app-3"], skipped=passed, errors=[])
    shown = ao("session", "cleanup", "--dry-run", "-p", "my-app")
    assert shown.stdout == (
        "Checking for completed sessions...\n  Would kill app-2\n  Would kill app-3\n"
        "  Skipped: app-1 (at work (working))\nDry run complete. 2 sessions would be cleaned.\n"
    )
    assert service.asked[-1] == ("cleanup", "my-app", True, None)


def test_cleanup_with_an_error_ends_with_1(ao, service):
    failed = [Failed(name="app-2", error="git is busy")]
    service.cleaned = CleanedUp(dry_run=False, killed=["app-3"], skipped=[], errors=failed)
    shown = ao("session", "cleanup")
    assert shown.returncode == 1
    assert shown.stdout == (
        "Checking for completed sessions...\n  Cleaned: app-3\n  Error cleaning app-2: git is busy\n"
        "Cleanup complete. 1 session cleaned.\n"
    )


def test_attach_becomes_the_tmux_client_outside_of_any_other_tmux(ao, service):
    tmux = ao.home / "bin" / "tmux"
    tmux.parent.mkdir()
    tmux.write_text('#!/bin/sh\necho "$@"\nenv\n')
    tmux.chmod(0o755)
    service.rows = [session("app-1", attach_command=Tmux(Path("/data/tmux/s")).attach_command("app-1"))]
    environ = {"TMUX": "/tmp/other,1,0", "MARK": "kept", "PATH": f"{tmux.parent}:{os.environ['PATH']}"}
    shown = on_a_terminal(ao, "session", "attach", "app-1", **environ)
    assert "-S /data/tmux/s attach -t =app-1" in shown
    assert "MARK=kept" in shown
    assert "TMUX=" not in shown


def test_attach_without_its_program_says_what_to_do(ao, service):
    service.rows = [session("app-1", attach_command="/none/tmux attach")]
    parent, child = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "import sys; from bot.cli import main; sys.exit(main())",
        "session",
        "attach",
        "app-1",
    ]
    done = subprocess.run(
        command, stdin=child, capture_output=True, text=True, env=ao.environ(), cwd=ao.home, timeout=30
    )
    os.close(child)
    os.close(parent)
    assert done.returncode == 1
    assert done.stderr == "/none/tmux cannot be started (No such file or directory). Install it, see: ao doctor\n"


def test_delivery_is_shown_with_its_handlers_and_records(ao, service):
    guid = "3fd2c3f0-5d3e-11ef-9d8a-7d5f3f8d5f02"
    shown = ao("deliveries", "show", guid).stdout
    assert "skipped   octo has no write permission" in shown
    assert "handler   issues.spawn_for_label" in shown
    assert "session.spawned  app-1 has started" in shown
    assert json.loads(ao("deliveries", "show", guid, "--json").stdout)["delivery"]["guid"] == guid
    assert json.loads(ao("deliveries", "show", guid, "--payload").stdout) == {"action": "labeled"}


def test_deliveries_are_filtered_and_replayed(ao, service):
    rows = json.loads(ao("deliveries", "ls", "--state", "dead", "--json").stdout)
    assert [row["state"] for row in rows] == ["dead"]
    assert ao("deliveries", "ls", "--state", "queued").stdout == "No deliveries are queued.\n"
    service.journal = service.journal[:1]
    guid = rows[0]["guid"]
    assert f"Delivery {guid} is queued again." in ao("deliveries", "replay", guid, "--force").stdout
    assert service.asked == [("replay", guid, True)]


def test_no_session_yet_is_no_error(ao, service):
    service.rows, service.journal = [], []
    assert ao("session", "ls").stdout == "\nmy-app:\n  (no active sessions)\n\nother:\n  (no active sessions)\n"
    assert "0 active sessions across 2 projects" in ao("status").stdout
    assert ao("deliveries", "ls").stdout == "No deliveries.\n"


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_are_only_for_terminals_that_want_them(ao, service, env):
    shown = on_a_terminal(ao, "status", **{"TERM": "xterm-256color", **env})
    assert ("\x1b[" in shown) == (not env)


def test_a_reader_that_goes_away_is_no_error(ao, service):
    service.rows = [msgspec.structs.replace(service.rows[2], name=f"app-{number}") for number in range(3000)]
    code = "from bot.cli import main; import sys; sys.exit(main())"
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -c '{code}' session ls | head -1"],
        capture_output=True,
        text=True,
        env=ao.environ(),
        cwd=ao.home,
        timeout=30,
    )
    assert done.stderr == ""


def test_place_in_the_queue_is_part_of_the_note(ao, service):
    service.rows = [session("app-9", status="spawning", queue_position=2, summary="Add a greeting")]
    assert "  spawning · number 2 in the queue · Add a greeting" in ao("status").stdout.splitlines()
