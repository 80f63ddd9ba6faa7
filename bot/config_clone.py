"""A project's `path`: a clone that is there, of the project's own repository."""

import asyncio
import re
from collections.abc import Mapping

from bot.config_problems import seen
from runtime import layout
from runtime.git import Git
from runtime.project import Project

_REMOTES = ("--no-includes", "--null", "--get-regexp", r"^remote\..*\.url$")
_ELSEWHERE = re.compile(r"(?!file:)(?:[a-z+]+://|[^/:]+:)", re.IGNORECASE)
"""An address on another machine, for ssh or with a scheme; a directory here says nothing about the repository."""
_PASSWORD = re.compile(r"(?<=://)[^/]*@")


def unfit_clone(project: Project, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is wrong with the project's `path`: no clone, or one whose remotes are all of other repositories."""
    if project.path is None:
        return []
    common = layout.common_directory(project.path)
    if common is None:
        return [("path", f"{project.path} is not a git repository; clone {project.repo} there or leave path out")]
    # the file as data: what else a clone's configuration says must not run when the service is only being checked
    config = ("config", "--file", str(common / "config"), *_REMOTES)
    try:
        listed = asyncio.run(Git(environ).attempt(*config)).out
    except OSError:  # `ao doctor` says that git is missing
        return []
    addresses = [at for entry in listed.split("\0")[:-1] if _ELSEWHERE.match(at := entry.partition("\n")[2])]
    if not addresses or project.repo.lower() in map(_repository, addresses):
        return []
    found = seen("path", _PASSWORD.sub("", addresses[0]))
    fix = f"write the path of a clone of {project.repo}, or leave path out"
    return [("path", f"{project.path} is a clone of {found}; {fix}")]


def _repository(address: str) -> str:
    """Return `owner/name` of an address, whether it is written for https or for ssh."""
    named = address.lower().rstrip("/").removesuffix(".git")
    return "/".join(re.split("[/:]", named)[-2:])
