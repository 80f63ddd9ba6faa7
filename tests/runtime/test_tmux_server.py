"""A tmux server that lives while its socket's file is gone."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from runtime.errors import TmuxUnavailable
from runtime.tmux import Tmux
from runtime.tmux_server import bring_back
from tests.runtime.test_tmux import alive
from tests.waiting import gone, runs, until

if not hasattr(os, "pidfd_open"):
    pytest.skip("the server can be told for certain on Linux only", allow_module_level=True)


@pytest.fixture
async def tmux(desk):
    made = Tmux(desk.root / "t" / "s", deadline=2.0)
    await starts(made, "s-1")
    yield made
    await made.kill_server()
    made.close()


async def starts(tmux, name):
    return await tmux.new_session(name, cwd=tmux.socket.parents[1], argv=["sleep", "60"])


async def server(tmux):
    return int((await tmux._run("display-message", "-p", "#{pid}")).stdout[0])


def remove_the_file(path):
    path.unlink()


def remove_the_directory(path):
    shutil.rmtree(path.parent)


def leave_a_file_where_nobody_listens(path):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize("lose", [remove_the_file, remove_the_directory, leave_a_file_where_nobody_listens])
async def test_sessions_of_a_server_without_its_socket_are_found_again(tmux, lose):
    before = await tmux.panes()
    lose(tmux.socket)
    assert await tmux.panes() == before


@pytest.mark.parametrize("lose", [remove_the_file, remove_the_directory, leave_a_file_where_nobody_listens])
async def test_session_that_starts_without_the_socket_joins_the_same_server(tmux, lose):
    known = await server(tmux)
    lose(tmux.socket)
    await starts(tmux, "s-2")
    assert set(await tmux.panes()) == {"s-1", "s-2"}
    assert await server(tmux) == known
    assert tmux.socket.parent.stat().st_mode & 0o777 == 0o700


async def test_text_is_pasted_although_the_directory_of_the_socket_is_gone(tmux):
    pane = (await tmux.panes())["s-1"].pane_id
    remove_the_directory(tmux.socket)
    # `sleep` asks for no bracketed paste: that much its terminal has said.
    assert (await tmux.paste(pane, "hello")).outcome in ("pasted", "unready")


async def test_no_second_server_is_started_beside_one_that_hangs_without_its_socket(tmux):
    known = await server(tmux)
    os.kill(known, signal.SIGSTOP)
    remove_the_file(tmux.socket)
    try:
        with pytest.raises(TmuxUnavailable):
            await starts(tmux, "s-2")
        assert not tmux.socket.exists()
    finally:
        os.kill(known, signal.SIGCONT)
    await until(tmux.socket.exists)
    assert set(await tmux.panes()) == {"s-1"}


async def test_after_the_server_has_ended_another_one_is_started(tmux):
    known = await server(tmux)
    await tmux.kill_server()
    remove_the_file(tmux.socket)
    assert await tmux.panes() == {}
    await starts(tmux, "s-2")
    assert await server(tmux) != known


LISTEN = """
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print("up", flush=True)
sys.stdin.read()
"""


def test_nothing_but_tmux_is_signalled_whatever_it_listens_at(desk):
    path = desk.root / "s"
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "up\n"
        path.unlink()
        assert not bring_back(path)
        other.communicate()
    assert other.returncode == 0


async def test_server_that_sees_another_directory_there_is_not_ours(desk):
    room, path = desk.root / "t", desk.root / "t" / "s"
    room.mkdir()
    inside = f"mount -t tmpfs none {room} && exec tmux -S {path} -f /dev/null new-session -d -s s-1 sleep 60"
    if subprocess.run(["unshare", "-rm", "sh", "-c", inside], capture_output=True).returncode:
        pytest.skip("no mount of one's own is allowed here")
    listed = await until(lambda: [pid for pid in alive(path) if runs(pid)])
    try:
        assert not bring_back(path)
    finally:
        for pid in listed:
            os.kill(pid, signal.SIGKILL)
            await gone(pid)
