"""Git by argument lists on the local GitHub's bare repositories; every call has a deadline and a clean environment."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

PATH = os.environ.get("PATH", os.defpath)
DEADLINE = 60.0
ZERO = "0" * 40
SETTINGS = f"""[http]
\treceivepack = true
[receive]
\thideRefs = refs/pull
\tautogc = false
[gc]
\tauto = 0
[core]
\thooksPath = {os.devnull}
[uploadpack]
\tallowReachableSHA1InWant = true
"""


class GitError(Exception):
    """Git said no; the message is its standard error."""


def environment(**more: str) -> dict[str, str]:
    """The environment of every git process: nobody's configuration, no prompts."""
    return {
        "PATH": PATH,
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **more,
    }


def identity(name: str, email: str) -> dict[str, str]:
    """The environment that makes `name` both author and committer."""
    roles = ("AUTHOR", "COMMITTER")
    return {f"GIT_{role}_{key}": value for role in roles for key, value in (("NAME", name), ("EMAIL", email))}


async def attempt(repo: Path, *args: str, stdin: bytes = b"", **env: str) -> tuple[int, str]:
    """Run git in a bare repository and return its exit code and standard output."""
    process = await asyncio.create_subprocess_exec(
        "git",
        f"--git-dir={repo}",
        *args,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**env),
        cwd=repo,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate(stdin)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    code = process.returncode or 0
    if code not in (0, 1):
        raise GitError(err.decode(errors="replace").strip())
    return code, out.decode(errors="replace")


async def git(repo: Path, *args: str, stdin: bytes = b"", **env: str) -> str:
    """Run git in a bare repository and return its standard output; raise GitError unless it exits 0."""
    code, out = await attempt(repo, *args, stdin=stdin, **env)
    if code != 0:
        raise GitError(f"git {args[0]} exited {code}")
    return out


async def resolve(repo: Path, name: str) -> str | None:
    """The commit a name stands for, or None."""
    try:
        code, out = await attempt(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        return None
    return out.strip() if code == 0 else None


async def branches(repo: Path) -> dict[str, str]:
    """All branches with their commits."""
    out = await git(repo, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads/")
    return {name: sha for name, _, sha in (line.partition(" ") for line in out.splitlines())}


def create(path: Path, files: dict[str, str], *, branch: str, author: str, email: str) -> None:
    """Make a bare repository with one commit of these files; blocking, meant for set-up."""
    _run("git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", str(path))
    with (path / "config").open("a") as config:
        config.write(SETTINGS)
    if files:
        stream = _first_commit(files, branch=branch, author=author, email=email)
        _run("git", f"--git-dir={path}", "fast-import", "--quiet", "--date-format=now", stdin=stream)


def fork(source: Path, path: Path) -> None:
    """Copy a bare repository's branches into a new one."""
    create(path, {}, branch="main", author="", email="")
    _run("git", f"--git-dir={path}", "fetch", "--quiet", str(source), "+refs/heads/*:refs/heads/*")


def _first_commit(files: dict[str, str], *, branch: str, author: str, email: str) -> bytes:
    message = b"Initial commit\n"
    who = f"{author} <{email}> now"
    parts = [f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {len(message)}\n".encode(), message]
    for name, text in files.items():
        data = text.encode()
        mode = "100755" if data.startswith(b"#!") else "100644"
        parts.append(f"M {mode} inline {name}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join(parts)


def _run(*argv: str, stdin: bytes = b"") -> None:
    done = subprocess.run(argv, input=stdin, capture_output=True, env=environment(), timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise GitError(done.stderr.decode(errors="replace").strip())
