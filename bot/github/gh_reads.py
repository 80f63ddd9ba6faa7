"""What an agent may read through the `gh` shim: named GETs of its own repository and nothing else."""

import re

from runtime.errors import NotAllowed

_READABLE = re.compile(
    r"""
      (?: issues | issues/\d+ | issues/\d+/comments | issues/comments/\d+ | labels
        | pulls | pulls/\d+ | pulls/\d+/(?:files|commits|comments|reviews) | pulls/\d+/reviews/\d+/comments
        | pulls/comments/\d+
        | commits/[\w./-]+ | compare/[\w./-]+ | branches | branches/[\w./-]+ | contents/[\w./-]+
        | check-runs/\d+ | check-runs/\d+/annotations
        | actions/runs | actions/runs/\d+ | actions/runs/\d+/jobs | actions/jobs/\d+
      )?
      """,
    re.VERBOSE,
)
_QUERY = re.compile(r"[\w.,:+=&%/-]*")


def allowed_read(repo: str, path: str) -> str:
    """Return the path to ask for; `NotAllowed` says what could be asked instead.

    `repos/{owner}/{repo}/…` may be written as gh's users write it, with the braces.
    """
    place, _, query = path.strip().lstrip("/").partition("?")
    place = place.replace("{owner}/{repo}", repo).rstrip("/")
    own = f"repos/{repo}"
    inside = place.removeprefix(own).lstrip("/")
    if place != own and not place.startswith(f"{own}/"):
        raise NotAllowed(f"gh api reads {own}/… only; every other repository is out of reach here")
    if ".." in inside.split("/") or not _READABLE.fullmatch(inside) or not _QUERY.fullmatch(query):
        raise NotAllowed(
            f"gh api cannot read {inside!r}; issues, pulls, commits, checks, runs and contents can be read"
        )
    return f"/{own}" + (f"/{inside}" if inside else "") + (f"?{query}" if query else "")
