"""Finds secrets in what a push would publish, before it does."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runtime.redact import REDACTED, without_secrets
from runtime.repository import BareRepository

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
# Documentation is full of addresses with passwords and of authorization headers; they are no proof.
_WEAK = re.compile(rf"(?i)://{re.escape(REDACTED)}@|\b(?:bearer|basic|token)\s+{re.escape(REDACTED)}")
_LOG = (
    "-c", "core.quotePath=false", "-c", "core.bigFileThreshold=1m",
    "log", "--format=commit %H", "--patch", "--unified=0", "--remerge-diff", "--no-renames", "--no-color",
    "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


class Line(NamedTuple):
    """One line that a commit changed; `number` is None for a removed one."""

    commit: str
    file: str
    number: int | None
    text: str


async def find_secret(repository: BareRepository, commit: str, *, env: Mapping[str, str]) -> str | None:
    """Return `file:line` of the first credential in commits that the forge does not have; None without one.

    Every commit counts, not only the last: what one adds and the next removes is published all the same. A line
    that the same commit removes elsewhere has only moved. Only shapes that nothing but a credential has are looked for.
    """
    patch = await repository.beyond_forge(*_LOG, commit, env=env, deadline=120.0)
    return await asyncio.to_thread(_first, patch)


def _first(patch: str) -> str | None:
    lines = list(changed_lines(patch))
    removed = {(line.commit, line.text.strip()) for line in lines if line.number is None}
    for line in lines:
        moved = (line.commit, line.text.strip()) in removed
        if line.number is not None and not moved and _is_secret(line.text):
            return f"{line.file}:{line.number}"
    return None


def changed_lines(patch: str) -> Iterator[Line]:
    """Yield the changed lines of a patch without context; lines are counted, so none can pass for a header."""
    commit, file, number, minus, plus = "", "", 0, 0, 0
    for text in patch.split("\n"):
        if minus and text.startswith("-"):
            minus -= 1
            yield Line(commit, file, None, text[1:])
        elif plus and text.startswith("+"):
            plus -= 1
            yield Line(commit, file, number, text[1:])
            number += 1
        elif text.startswith("commit "):
            commit = text.removeprefix("commit ")
        elif text.startswith("+++ "):
            file = text.removeprefix("+++ ").removeprefix("b/").rstrip("\t")
        elif hunk := _HUNK.match(text):
            minus, plus = int(hunk[1] or 1), int(hunk[3] or 1)
            number = int(hunk[2])


def _is_secret(text: str) -> bool:
    return REDACTED in _WEAK.sub("", without_secrets(text.replace(REDACTED, "")))
