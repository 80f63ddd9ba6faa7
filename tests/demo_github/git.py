"""A clone to push from."""

import asyncio
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/local/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
       for key, value in (("NAME", "bob"), ("EMAIL", "bob@example.com"))},
}  # fmt: skip


async def run(*words: str, cwd: Path, fails: bool = False) -> str:
    """Run git and return its output, standard error included."""
    process = await asyncio.create_subprocess_exec(
        "git", *words, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out = (await process.communicate())[0].decode()
    assert (process.returncode != 0) == fails, out
    return out


def address(person, name: str = "alice/garden") -> str:
    """The repository's address with somebody's token in it."""
    url = person.base_url.join(f"/{name}.git").copy_with(username="x-access-token", password=person.token)
    return str(url)


async def clone(person, to: Path, name: str = "alice/garden") -> Path:
    """A clone of somebody's."""
    await run("clone", "--quiet", address(person, name), str(to), cwd=to.parent)
    return to


async def push(clone: Path, branch: str, files: dict[str, str], message: str = "Change", *more: str) -> str:
    """Commit files on a branch, push it, and return the commit."""
    await run("checkout", "--quiet", "-B", branch, cwd=clone)
    for name, text in files.items():
        (clone / name).write_text(text)
    await run("add", "--all", cwd=clone)
    await run("commit", "--quiet", "--allow-empty", "-m", message, cwd=clone)
    await run("push", "--quiet", *more, "origin", f"HEAD:refs/heads/{branch}", cwd=clone)
    return (await run("rev-parse", "HEAD", cwd=clone)).strip()
