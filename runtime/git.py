"""The one place that starts git: a clean environment, a deadline, and no credential where others could read it.

Nothing here trusts a repository. Callers name a git directory whose configuration is the service's own
(`runtime.layout.make_control`), so that whatever an agent writes into a shared repository or a worktree is data
to these commands and never configuration.
"""

import asyncio
import base64
import os
import re
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import AoError, ForgeBusy, GitFailed

NOBODY = "0" * 40
"""What git writes where there is no commit."""

_PASSED_ON = (
    "PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_EXEC_PATH",
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
)  # fmt: skip
_FIXED = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # an agent may write refs/replace/* to show us another commit than it pushes
}
_GUARDS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "credential.helper=",
    "protocol.ext.allow=never",
    "http.followRedirects=false",  # http.extraHeader would follow to wherever the redirect points
    "submodule.recurse=false",
)
_MOVED = re.compile(r"returned error: 30[1278]$", re.M)
_PASSING_TROUBLE = re.compile(
    r"Could not resolve host|Failed to connect|Connection (refused|reset|timed out)|Operation timed out"
    r"|returned error: (429|5\d\d)|unexpected disconnect|early EOF|remote end hung up",
    re.IGNORECASE,
)
_GRACE = 2.0
_GENTLY = ("nice", "-n", "15", "git", "-c", "checkout.workers=1")
_TALKERS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="git")
"""A thread for each git that runs, to read what it says."""


@dataclass(frozen=True)
class Remote:
    """Where to fetch and push, and the HTTP header that opens it; the header is never part of a text or an argument."""

    url: str
    header: str | None = field(default=None, repr=False)

    @classmethod
    def with_token(cls, url: str, token: str) -> "Remote":
        """Return a remote that GitHub opens with this token, of an installation or of a person."""
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        return cls(url, f"Authorization: Basic {secret}")

    @property
    def protocol(self) -> str:
        """The transport that git needs for the URL, for its allowlist."""
        scheme, found, _ = self.url.partition("://")
        if found:
            return scheme
        return "ssh" if re.match(r"[^/]+@[^/]+:", self.url) else "file"

    def environment(self) -> dict[str, str]:
        """Return the variables that let git use this remote and no other transport."""
        allowed = {"GIT_ALLOW_PROTOCOL": self.protocol}
        if self.header is None:
            return allowed
        return allowed | {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.url}.extraHeader",
            "GIT_CONFIG_VALUE_0": self.header,
        }


@dataclass(frozen=True)
class Ended:
    """How a git command ended; texts keep undecodable bytes as surrogates."""

    code: int
    out: str
    err: str


class Git:
    """Runs git commands; holds nothing but the environment they start from."""

    def __init__(self, base: Mapping[str, str]) -> None:
        self._environment = {name: base[name] for name in _PASSED_ON if name in base} | _FIXED
        self._ssh = {name: base[name] for name in ("SSH_AUTH_SOCK",) if name in base}

    async def run(
        self,
        *args: str,
        git_dir: Path | None = None,
        work_tree: Path | None = None,
        remote: Remote | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        deadline: float = 60.0,
    ) -> str:
        """Return the command's output; raise GitFailed, or ForgeBusy when the remote may answer later."""
        ended = await self.attempt(
            *args, git_dir=git_dir, work_tree=work_tree, remote=remote, env=env, input=input, deadline=deadline
        )
        if ended.code != 0:
            raise failure(args, ended, remote)
        return ended.out

    async def attempt(
        self,
        *args: str,
        git_dir: Path | None = None,
        work_tree: Path | None = None,
        remote: Remote | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        deadline: float = 60.0,
        gently: bool = False,
    ) -> Ended:
        """Return how the command ended, whatever its exit code; it and its children die at the deadline.

        `gently` leaves the processors to everybody else.
        """
        places = [f"--git-dir={git_dir}"] if git_dir else []
        places += [f"--work-tree={work_tree}"] if work_tree else []
        guards = [part for guard in _GUARDS for part in ("-c", guard)]
        access = remote.environment() if remote else {"GIT_ALLOW_PROTOCOL": ""}
        access |= self._ssh if remote and remote.protocol == "ssh" else {}
        command = (*(_GENTLY if gently else ("git",)), *guards, *places, *args)
        process = _start(command, self._environment | access | dict(env or {}), talks=input is not None)
        given = None if input is None else input.encode(errors="surrogateescape")
        talking = asyncio.get_running_loop().run_in_executor(_TALKERS, process.communicate, given)
        try:
            async with asyncio.timeout(deadline):
                out, err = await asyncio.shield(talking)
        except TimeoutError:
            await asyncio.shield(_end(process, talking))
            return Ended(124, "", f"no answer within {deadline:.0f} s: Operation timed out")
        except BaseException:
            await asyncio.shield(_end(process, talking))
            raise
        return Ended(process.returncode, out.decode(errors="surrogateescape"), err.decode(errors="replace"))


def failure(args: Collection[str], ended: Ended, remote: Remote | None = None) -> AoError:
    """Return the error for a command that failed: worth another try only where a remote was in trouble."""
    stderr = ended.err.strip()
    verb = next((arg for arg in args if not arg.startswith("-")), "")
    lines = stderr.splitlines()
    reason = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "")
    moved = ": it was renamed or moved, so change the project's `repo`" if _MOVED.search(stderr) else ""
    message = f"git {verb} failed: {reason or f'exit {ended.code}'}{moved}"
    if remote is not None and _PASSING_TROUBLE.search(stderr):
        return ForgeBusy(message, after=2.0)
    return GitFailed(message, stderr=stderr)


def _start(command: Sequence[str], env: Mapping[str, str], *, talks: bool) -> subprocess.Popen[bytes]:
    """Start a process group of its own, by vfork: uvloop forks, which stops the whole service for 5 ms each time."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd="/",
        start_new_session=True,
    )


async def _end(process: subprocess.Popen[bytes], talking: asyncio.Future[tuple[bytes, bytes]]) -> None:
    """End the whole process group: politely first, because git then removes its lock files."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        await asyncio.wait({talking}, timeout=_GRACE)
        if talking.done():
            break
    await asyncio.wait({talking})
