"""The door to tmux."""

import asyncio
import contextlib
import os
import shlex
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from runtime.errors import ConfigError, TmuxUnavailable
from runtime.tmux import Tmux

CAT = ["/bin/sh", "-c", r"stty raw -echo; printf '\033[?2004h'; printf up; exec cat >got"]
GONE = ["/bin/sh", "-c", "exit 7"]


async def started(desk, name, argv):
    pane = await desk.tmux.new_session(name, cwd=desk.root, argv=argv)
    return pane


async def until_dead(desk, name):
    async with asyncio.timeout(30):
        while not (pane := (await desk.tmux.panes())[name]).dead:
            await asyncio.sleep(0.01)
    return pane


async def until_shown(desk, pane, text):
    async with asyncio.timeout(30):
        while text not in await desk.tmux.capture(pane):
            await asyncio.sleep(0.01)


async def until_bytes(path, size):
    async with asyncio.timeout(30):
        while not path.exists() or path.stat().st_size < size:
            await asyncio.sleep(0.01)
    return path.read_bytes()


async def test_no_key_is_pressed_when_the_cursor_has_moved_since_it_was_looked(desk):
    pane = await started(desk, "moved", CAT)
    await until_shown(desk, pane, "up")
    place = (await desk.tmux.terminal("moved", pane)).place
    lines, column, row = place.split()
    for other in (f"{lines} {int(column) + 1} {row}", f"{lines} {column} {int(row) + 1}", f"9 {column} {row}"):
        assert await desk.tmux.press_if(lambda: True, pane, "a", place=other) == "overtaken"
    assert await desk.tmux.press_if(lambda: True, pane, "b", place=place) == "pressed"
    assert await desk.tmux.press_if(lambda: False, pane, "c", place=place) == "overtaken"
    await until_bytes(desk.root / "got", 1)
    assert (desk.root / "got").read_bytes() == b"b"


async def test_nothing_runs_before_the_first_session(desk):
    assert await desk.tmux.panes() == {}
    await desk.tmux.kill_session("s-1")
    assert (await desk.tmux.terminal("s-1", "%0")) is None
    assert await desk.tmux.capture("%0") == ""


async def test_session_started_twice_is_one_session(desk):
    first = await started(desk, "s-1", ["sleep", "60"])
    assert await started(desk, "s-1", ["sleep", "60"]) == first
    assert {name: pane.pane_id for name, pane in (await desk.tmux.panes()).items()} == {"s-1": first}


async def test_sessions_started_together_all_live(desk):
    names = [f"s-{n}" for n in range(8)]
    panes = await asyncio.gather(*(started(desk, name, ["sleep", "60"]) for name in names))
    assert len(set(panes)) == 8
    assert set(await desk.tmux.panes()) == set(names)


@pytest.mark.parametrize(
    ("command", "code", "number"), [("exit 7", 7, None), ("exit 0", 0, None), ("kill -9 $$", None, 9)]
)
async def test_dead_pane_tells_how_it_ended(desk, command, code, number):
    await started(desk, "s-1", ["/bin/sh", "-c", command])
    dead = await until_dead(desk, "s-1")
    assert (dead.exit_code, dead.signal) == (code, number)


async def test_paste_into_a_dead_or_missing_pane_types_nothing_and_kills_nobody(desk):
    await started(desk, "s-1", ["sleep", "60"])
    pane = await started(desk, "s-2", GONE)
    await until_dead(desk, "s-2")
    assert (await desk.tmux.paste(pane, "hello", before=("C-u",), after=("Enter",))).outcome == "dead"
    assert (await desk.tmux.paste("%99", "hello")).outcome == "dead"
    assert not await desk.tmux.press(pane, "Enter")
    assert not await desk.tmux.press("%99", "Enter")
    assert not (await desk.tmux.panes())["s-1"].dead
    assert buffers(desk) == ""


def buffers(desk):
    listed = subprocess.run(
        ["tmux", "-S", desk.root / "tmux", "list-buffers"], capture_output=True, text=True, check=True
    )
    return listed.stdout


@pytest.mark.parametrize(
    "text", ["one; two;\n\tthree #{pid} $(id) `id` ünï 🙂 ;", "x" * 200_000 + "\n;", "-p", "'\"\\"]
)
async def test_pasted_text_arrives_byte_for_byte(desk, text):
    pane = await started(desk, "s-1", CAT)
    await until_shown(desk, pane, "up")
    assert (await desk.tmux.paste(pane, text, before=("C-u",), after=("Enter",))).outcome == "pasted"
    expected = b"\x15\x1b[200~" + text.encode() + b"\x1b[201~\r"
    assert await until_bytes(desk.root / "got", len(expected)) == expected
    assert buffers(desk) == ""


async def test_copy_mode_is_left_before_a_paste(desk):
    pane = await started(desk, "s-1", CAT)
    await until_shown(desk, pane, "up")
    subprocess.run(["tmux", "-S", desk.root / "tmux", "copy-mode", "-t", pane], check=True)
    assert (await desk.tmux.panes())["s-1"].in_mode
    assert (await desk.tmux.paste(pane, "hello", after=("Enter",))).outcome == "pasted"
    assert (await until_bytes(desk.root / "got", 18)).endswith(b"hello\x1b[201~\r")


async def test_service_environment_and_directory_stay_outside_the_server(desk, monkeypatch):
    monkeypatch.setenv("AO_GITHUB_TOKEN", "ghp_secret")
    await started(desk, "s-1", ["/bin/sh", "-c", "env >env; sleep 60"])
    seen = (await until_bytes(desk.root / "env", 10)).decode()
    assert "ghp_secret" not in seen
    server = (await desk.tmux.panes())["s-1"].pid
    parent = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()[1]
    assert "ghp_secret" not in Path(f"/proc/{parent}/environ").read_text()
    assert Path(f"/proc/{parent}/cwd").readlink() == Path("/")


async def test_session_starts_again_right_after_the_server_was_killed(desk):
    for _ in range(5):
        await started(desk, "s-1", ["sleep", "60"])
        await desk.tmux.kill_server()
    assert await desk.tmux.panes() == {}


def alive(socket):
    """The processes that were started for a tmux server: itself, and its clients."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0] == b"tmux" and str(socket).encode() in words:
                found.add(int(process.name))
    return found


async def test_hanging_server_is_unavailable_and_not_dead(desk):
    hasty = Tmux(desk.root / "tmux", deadline=0.3)
    await started(desk, "s-1", ["sleep", "60"])
    pid = int(subprocess.run(["tmux", "-S", desk.root / "tmux", "display-message", "-p", "#{pid}"],
                             capture_output=True, check=True).stdout)  # fmt: skip
    os.kill(pid, signal.SIGSTOP)
    try:
        for call in (hasty.panes(), hasty.paste("%0", "hello"), hasty.kill_session("s-1")):
            with pytest.raises(TmuxUnavailable):
                await call
        async with asyncio.timeout(30):
            while alive(desk.root / "tmux") != {pid}:
                await asyncio.sleep(0.01)
    finally:
        os.kill(pid, signal.SIGCONT)
        hasty.close()
    assert not (await desk.tmux.panes())["s-1"].dead


async def test_attach_command_works_in_a_shell_and_shows_up_as_a_client(desk):
    pane = await started(desk, "s-1", ["sleep", "60"])
    assert (await desk.tmux.terminal("s-1", pane)).typed_at is None
    command = desk.tmux.attach_command("s-1")
    script = ["script", "-qc", command, "/dev/null"]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          env={**os.environ, "TMUX": "nested", "TERM": "xterm"}) as person:  # fmt: skip
        async with asyncio.timeout(30):
            while (await desk.tmux.terminal("s-1", pane)).typed_at is None:
                await asyncio.sleep(0.01)
        await desk.tmux.kill_session("s-1")
        person.wait(30)


async def test_killed_session_is_gone_and_may_be_killed_again(desk):
    await started(desk, "s-1", ["sleep", "60"])
    await desk.tmux.kill_session("s-1")
    await desk.tmux.kill_session("s-1")
    assert await desk.tmux.panes() == {}


@pytest.mark.parametrize(("said", "fix"), [("tmux 3.1c", "too old"), (None, "is missing")])
async def test_missing_or_old_tmux_says_how_to_get_one(desk, monkeypatch, tmp_path, said, fix):
    monkeypatch.setenv("PATH", str(tmp_path))
    if said:
        (tmp_path / "tmux").write_text(f"#!/bin/sh\necho {shlex.quote(said)}\n")
        (tmp_path / "tmux").chmod(stat.S_IRWXU)
    with pytest.raises(ConfigError, match=fix) as refused:
        await desk.tmux.check()
    assert "apt install tmux" in str(refused.value)


@pytest.mark.parametrize("said", ["tmux 3.3a", "tmux next-3.7", "tmux openbsd-7.6", "tmux master"])
async def test_usable_tmux_versions_pass(desk, monkeypatch, tmp_path, said):
    (tmp_path / "tmux").write_text(f"#!/bin/sh\necho {said}\n")
    (tmp_path / "tmux").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert await desk.tmux.check() == said.removeprefix("tmux ")


async def test_no_exit_code_is_missed(desk):
    for number in range(60):
        await started(desk, f"s-{number}", ["/bin/sh", "-c", "/bin/true; exit 7"])
        assert (await until_dead(desk, f"s-{number}")).exit_code == 7
        await desk.tmux.kill_session(f"s-{number}")
