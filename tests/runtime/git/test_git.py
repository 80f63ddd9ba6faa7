"""Starting git: environment, deadline, errors."""

import asyncio
import os
import subprocess

import pytest

from runtime.errors import ForgeBusy, GitFailed
from runtime.git import Git, Remote
from tests.waiting import gone, until


async def test_git_sees_nothing_of_the_callers_environment(place, monkeypatch):
    hostile = {"GIT_DIR": "/nonexistent", "GIT_SSH_COMMAND": "touch x", "GIT_TRACE": "1", "HOME": str(place)}
    git = Git(os.environ | hostile)
    (place / ".gitconfig").write_text("[user]\n\tname = someone\n")
    assert (await git.attempt("config", "user.name")).code == 1
    shown = (await git.run("-c", "alias.env=!env", "env")).splitlines()
    assert not [line for line in shown if line.startswith(("GIT_DIR=", "GIT_SSH", "GIT_TRACE"))]
    assert "HOME=/nonexistent" in shown


async def test_a_command_past_its_deadline_dies_with_its_children(git, place, monkeypatch):
    real, deadlines = asyncio.timeout, []

    def timeout(delay):
        deadlines.append(real(delay))
        return deadlines[-1]

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "timeout", timeout)
        running = asyncio.create_task(git.run("-c", f"alias.hang=!sleep 600 & echo $! > {place}/pid; wait", "hang"))
        await until(lambda: (place / "pid").exists() and (place / "pid").read_text())
    deadlines[0].reschedule(asyncio.get_running_loop().time())
    with pytest.raises(GitFailed, match="no answer within"):
        await running
    await gone(int((place / "pid").read_text()))


async def test_a_cancelled_command_dies_with_its_children(git, place):
    running = asyncio.create_task(git.run("-c", f"alias.hang=!sleep 600 & echo $! > {place}/pid; wait", "hang"))
    await until(lambda: (place / "pid").exists() and (place / "pid").read_text())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(int((place / "pid").read_text()))


async def test_a_command_cancelled_as_soon_as_it_runs_leaves_no_process(git, monkeypatch):
    start, started = subprocess.Popen, asyncio.Queue()

    def start_and_tell(*args, **how):
        process = start(*args, **how)
        started.put_nowait(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_tell)
    running = asyncio.create_task(git.run("-c", "alias.hang=!exec sleep 20", "hang"))
    pid = await started.get()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(pid)


async def test_a_failure_carries_what_git_said(git, place):
    with pytest.raises(GitFailed, match=r"git rev-parse failed: fatal: not a git repository") as caught:
        await git.run("rev-parse", "HEAD", git_dir=place)
    assert "not a git repository" in caught.value.stderr


@pytest.mark.parametrize(("down", "error"), [(503, ForgeBusy), (429, ForgeBusy), (404, GitFailed)])
async def test_only_a_remote_in_trouble_is_worth_another_try(git, forge, down, error):
    forge.down = down
    with pytest.raises(error):
        await git.run("ls-remote", "--", forge.url, remote=Remote(forge.url))


async def test_repository_that_was_renamed_is_told_with_what_to_change(git, forge):
    forge.down = 301
    with pytest.raises(GitFailed, match=r"301: it was renamed or moved, so change the project's `repo`$"):
        await git.run("ls-remote", "--", forge.url, remote=Remote(forge.url))


async def test_an_unreachable_remote_is_worth_another_try(git):
    remote = Remote("http://127.0.0.1:9/o/n.git")
    with pytest.raises(ForgeBusy):
        await git.run("ls-remote", "--", remote.url, remote=remote)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [("https://x/y", "https"), ("git@x:y", "ssh"), ("ssh://x/y", "ssh"), ("/x/y", "file"), ("ext::x", "file")],
)
def test_the_transport_is_known_from_the_url(url, protocol):
    assert Remote(url).protocol == protocol


async def test_texts_of_any_bytes_survive(git, repository):
    odd = b"\xff\n".decode(errors="surrogateescape")
    sha = (await repository.run("hash-object", "-w", "--stdin", input=odd)).strip()
    assert await repository.run("cat-file", "blob", sha) == odd
