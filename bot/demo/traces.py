"""What is left of a session, looked for on the disk and in tmux instead of asked of the service."""

from bot.demo.github import git
from bot.demo.service import Service


async def left(service: Service, repo: str, session: str, branch: str) -> list[str]:
    """Return what of a session that is cleaned up is still there: its branch and its terminal."""
    branches = await _refs(service, repo, f"refs/heads/{branch}")
    return branches + [name for name in await service.terminals() if name == session]


async def preserved(service: Service, repo: str, session: str) -> list[str]:
    """Return under which refs a session's work is kept that was not on GitHub."""
    return await _refs(service, repo, f"refs/ao/preserved/{session}")


async def _refs(service: Service, repo: str, *patterns: str) -> list[str]:
    listing = await git.git(service.data / "repos" / f"{repo}.git", "for-each-ref", "--format=%(refname)", *patterns)
    return listing.split()
