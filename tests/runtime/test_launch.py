"""What an agent is started with."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from runtime import disk
from runtime.launch import Launch, LaunchPlace, agent_environment
from tests.waiting import until

BASE = {
    "HOME": "/home/me", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C", "TZ": "UTC", "USER": "me",
    "SHELL": "/bin/bash", "TMPDIR": "/tmp", "TMUX": "/tmp/tmux,1,0", "SSH_AUTH_SOCK": "/tmp/agent", "GIT_ASKPASS": "x",
    "AO_WEBHOOK_SECRET": "s", "AO_GITHUB_TOKEN": "t", "GITHUB_TOKEN": "t", "AWS_SECRET": "s", "MY_PASSWORD": "p",
    "ANTHROPIC_API_KEY": "k", "PYTHONPATH": "/evil", "LD_PRELOAD": "/evil.so",
}  # fmt: skip


def environment(**extra):
    return agent_environment(BASE, session="s-1", project="demo", issue=7, extra=extra)


def test_agent_inherits_only_harmless_names():
    kept = {name for name in environment() if name in BASE}
    assert kept == {"HOME", "PATH", "LANG", "LC_ALL", "TZ", "USER", "SHELL", "TMPDIR"}


def test_project_may_give_a_key_on_purpose():
    assert environment(ANTHROPIC_API_KEY="given")["ANTHROPIC_API_KEY"] == "given"


def test_agent_learns_who_it_is_and_a_project_cannot_change_that():
    known = environment(AO_SESSION="other")
    assert {name: value for name, value in known.items() if name.startswith("AO_")} == {
        "AO_SESSION": "s-1", "AO_SESSION_ID": "s-1", "AO_SESSION_NAME": "s-1", "AO_PROJECT_ID": "demo",
        "AO_ISSUE_ID": "7",
    }  # fmt: skip


def test_shims_come_first_on_path(tmp_path):
    known = agent_environment(BASE, session="s-1", project="p", issue=None, extra={}, first_on_path=[tmp_path])
    assert known["PATH"] == f"{tmp_path}:/usr/bin:/bin"


@pytest.fixture
def place(tmp_path):
    place = LaunchPlace(tmp_path / "it's a place")
    place.open()
    return place


def run(place, *argv, **env):
    worktree = place.directory.parent / "work tree"
    worktree.mkdir(exist_ok=True)
    known = {"PATH": os.environ["PATH"], **env}
    place.write(Launch(argv=argv, env={"ADDED": "by 'the' adapter"}), worktree=worktree, env=known)
    place.let_go()
    return subprocess.run(place.argv, env={"LEAKED": "1"}, capture_output=True, text=True, check=False, cwd="/")


def pushes(place):
    return [json.loads(line) for line in place.pushes.read_text().splitlines()]


def test_everything_in_the_place_is_private(place):
    run(place, "true", GIVEN_KEY="secret")
    assert stat.S_IMODE(place.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.directory.iterdir()} == {0o600, 0o700}


def test_nothing_is_written_through_a_link(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis").write_text("precious")
    for name in ("agent.sh", "run.sh", "push", "pushes.jsonl", ".agent.sh.new"):
        (place.directory / name).unlink(missing_ok=True)
        (place.directory / name).symlink_to(outside / "thesis")
    place.open()
    run(place, "true")
    place.remove()
    place.directory.symlink_to(outside)
    place.open()
    run(place, "true")
    assert [path.name for path in outside.iterdir()] == ["thesis"]
    assert (outside / "thesis").read_text() == "precious"


def a_pipe(path, _outside):
    os.mkfifo(path)


def a_directory(path, _outside):
    (path / "deep").mkdir(parents=True)


def a_link(path, outside):
    path.symlink_to(outside)


def a_link_to_a_pipe(path, outside):
    os.mkfifo(outside)
    path.symlink_to(outside)


ODD = pytest.mark.parametrize("put", [a_pipe, a_directory, a_link, a_link_to_a_pipe])


@ODD
async def test_agent_is_seen_to_end_whatever_it_put_in_the_place_of_its_push_file(desk, put):
    seat = await desk.seat()
    agent = int(seat.pushes("started")[0]["pid"])
    seat.place.pushes.unlink()
    put(seat.place.pushes, desk.root / "outside")
    os.kill(agent, signal.SIGKILL)
    await seat.died()
    assert not (desk.root / "outside").is_file()


@ODD
def test_channel_that_an_agent_has_replaced_is_whole_again_at_the_next_start(place, tmp_path, put):
    for number, path in enumerate((place.pushes, place.wake, place.push)):
        path.unlink()
        put(path, tmp_path / f"outside-{number}")
    place.open()
    run(place, "true")
    assert [push["kind"] for push in pushes(place)] == ["started", "exited"]
    assert place.wake.is_fifo()


def test_agent_runs_in_its_worktree_with_exactly_its_environment(place):
    tell = "import json, os, sys; print(json.dumps([os.getcwd(), sys.argv[1], dict(os.environ)]))"
    done = run(place, sys.executable, "-c", tell, "a'b $c", ODD="x'y\n$(id) `id` ;")
    cwd, argument, env = json.loads(done.stdout)
    assert cwd == str(place.directory.parent / "work tree")
    assert argument == "a'b $c"
    assert env["ODD"] == "x'y\n$(id) `id` ;"
    assert env["ADDED"] == "by 'the' adapter"
    assert set(env) - {"OLDPWD", "PWD", "LC_CTYPE"} == {"ADDED", "AO_LAUNCH", "ODD", "PATH"}


@pytest.mark.parametrize(
    ("command", "status", "ended"),
    [("exit 0", 0, {"code": "0"}), ("exit 7", 7, {"code": "7"}), ("kill -9 $$", 137, {"signal": "9"})],
)
def test_wrapper_reports_start_and_end(place, command, status, ended):
    assert run(place, "sh", "-c", f"echo $$; {command}").returncode == status
    started, exited = pushes(place)
    assert started["kind"] == "started"
    assert exited == {"kind": "exited", "at": exited["at"], "run": started["run"], **ended}
    assert started["at"] <= exited["at"]


def test_reported_pid_is_the_agents_own(place):
    done = run(place, "sh", "-c", "echo $$")
    assert pushes(place)[0]["pid"] == done.stdout.strip()


def test_process_is_told_from_a_later_one_of_the_same_number(place):
    began = "sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 20"
    done = run(place, "sh", "-c", f"{began}; cat /proc/sys/kernel/random/boot_id")
    started = pushes(place)[0]
    assert [started["ticks"], started["boot"]] == done.stdout.split()


def test_each_launch_is_a_run_of_its_own(place):
    runs = [run(place, "true") and pushes(place)[-1]["run"] for _ in range(2)]
    assert runs[0] != runs[1]


def test_missing_program_or_worktree_ends_with_a_code(place):
    assert run(place, "no-such-agent").returncode == 127
    place.write(Launch(argv=("true",)), worktree=place.directory / "gone", env={"PATH": os.environ["PATH"]})
    place.let_go()
    assert subprocess.run(place.argv, capture_output=True, check=False).returncode == 72
    assert [push.get("code") for push in pushes(place) if push["kind"] == "exited"] == ["127", "72"]


def held_back(place, worktree):
    """Start an agent whose worktree is not there yet."""
    place.write(Launch(argv=("pwd",)), worktree=worktree, env={"PATH": os.environ["PATH"]})
    return subprocess.Popen(place.argv, stdout=subprocess.PIPE, text=True, start_new_session=True)


def waits(place):
    """Wake an agent that is held back; it looks, and waits on."""
    try:
        return disk.poke(place.hold) or True
    except OSError:
        return False


async def test_agent_is_held_back_until_its_worktree_is_there(place, tmp_path):
    agent = held_back(place, tmp_path / "later")
    await until(lambda: waits(place))
    assert pushes(place) == []
    (tmp_path / "later").mkdir()
    place.let_go()
    assert agent.communicate(timeout=30)[0].endswith(f"{tmp_path / 'later'}\n")
    assert [push["kind"] for push in pushes(place)] == ["started", "exited"]
    assert run(place, "true").returncode == 0


async def test_agent_is_held_back_each_time(place, tmp_path):
    run(place, "true")
    agent = held_back(place, tmp_path)
    await until(lambda: waits(place))
    os.killpg(agent.pid, signal.SIGHUP)
    agent.communicate(timeout=30)
    assert [push["kind"] for push in pushes(place)] == ["started", "exited"]


async def test_agent_whose_pipe_is_gone_is_let_go_all_the_same(place, tmp_path):
    place.hold.unlink()
    agent = held_back(place, tmp_path)
    await until(place.hold.is_file)
    place.let_go()
    assert agent.communicate(timeout=30)[0].endswith(f"{tmp_path}\n")


async def test_person_who_looks_on_is_told_and_ends_nothing(desk):
    seat = await desk.seat(held_back=True)
    await seat.shows("The agent starts here as soon as its worktree is there.")
    for key in ("C-c", "C-\\", "C-c"):
        assert await desk.tmux.press(seat.pane, key)
    await until(lambda: waits(seat.place))
    seat.place.let_go()
    await seat.pushed("ready")
    assert "as soon as" not in await seat.shows(">")


async def test_agent_that_never_began_reports_no_end(place, tmp_path):
    agent = held_back(place, tmp_path)
    await until(lambda: waits(place))
    os.killpg(agent.pid, signal.SIGHUP)
    agent.communicate(timeout=30)
    assert pushes(place) == []


async def test_hung_up_terminal_is_still_reported(desk):
    seat = await desk.seat()
    await desk.tmux.kill_session("s-1")
    assert (await seat.pushed("exited"))["signal"] == str(int(signal.SIGHUP))


def test_writing_again_keeps_what_was_pushed(place):
    run(place, "true")
    before = place.pushes.read_text()
    place.open()
    place.write(Launch(argv=("true",)), worktree=place.directory, env={})
    assert place.pushes.read_text() == before


@pytest.mark.parametrize(
    "text", ['say "hi" \\ \\n', "line 1\n\ttab\nline 3", "ünï 🙂", "\x1b[31m", "{}", "$(id) `id` %s", ""]
)
def test_push_script_escapes_any_value(place, text):
    subprocess.run([place.push, "waiting", "question", text], check=True)
    expected = text.replace("\x1b", "")
    assert pushes(place)[0]["question"] == expected


def test_push_script_passes_json_of_hooks_on(place):
    hook = {"text": 'a\nb \\ "c"', "deep": {"list": [1, None]}, "long": "x" * 300_000}
    subprocess.run([place.push, "hook", "-"], input=json.dumps(hook, indent=2).encode(), check=True)
    assert pushes(place)[0]["hook"] == hook


async def test_pushes_made_at_the_same_moment_do_not_mix(place):
    async def push(number):
        text = f"{number} " + "y" * 100_000
        process = await asyncio.create_subprocess_exec(place.push, "prompt", "text", text)
        await process.wait()

    await asyncio.gather(*(push(number) for number in range(24)))
    assert sorted(int(line["text"].split()[0]) for line in pushes(place)) == list(range(24))


def test_push_wakes_the_service_and_never_waits_for_it(place):
    subprocess.run([place.push, "ready"], check=True, timeout=30)
    fifo = os.open(place.wake, os.O_RDWR | os.O_NONBLOCK)
    try:
        subprocess.run([place.push, "ready"], check=True, timeout=30)
        assert os.read(fifo, 10) == b"."
    finally:
        os.close(fifo)
