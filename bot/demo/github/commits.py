"""Reading history and differences from a bare repository."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from bot.demo.github import git

FORMAT = "%x01%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00"
KINDS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass
class FileChange:
    """One file of a difference; `patch` is empty where only names were asked for."""

    path: str
    status: str
    additions: int = 0
    deletions: int = 0
    blob: str | None = None
    patch: str = ""


@dataclass
class Commit:
    """A commit with the files it changes against its first parent."""

    sha: str
    tree: str
    parents: list[str]
    author_name: str
    author_email: str
    author_date: str
    committer_name: str
    committer_email: str
    committer_date: str
    message: str
    changes: list[FileChange] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


async def log(repo: Path, *revisions: str, limit: int = 250) -> list[Commit]:
    """Commits of a range, oldest first, with the files they change."""
    listing = ("log", "-z", "--reverse", f"--max-count={limit}", f"--format={FORMAT}", "--name-status", "--no-renames")
    out = await git.git(repo, *listing, *revisions, "--")
    return [_commit(chunk) for chunk in out.split("\x01")[1:]]


async def one(repo: Path, sha: str) -> Commit:
    """One commit."""
    return (await log(repo, "--no-walk", sha))[0]


def _commit(chunk: str) -> Commit:
    sha, tree, parents, *people, message, rest = chunk.split("\x00", 10)
    names = [name for name in rest.replace("\n", "").split("\x00") if name]
    changes = [
        FileChange(path, KINDS.get(kind[:1], "changed")) for kind, path in zip(names[::2], names[1::2], strict=False)
    ]
    author, author_email, authored, committer, committer_email, committed = people
    return Commit(
        sha=sha,
        tree=tree,
        parents=parents.split(),
        author_name=author,
        author_email=author_email,
        author_date=authored,
        committer_name=committer,
        committer_email=committer_email,
        committer_date=committed,
        message=message.rstrip("\n"),
        changes=changes,
    )


async def merge_base(repo: Path, base: str, head: str) -> str | None:
    """The newest common ancestor, None for unrelated histories."""
    code, out = await git.attempt(repo, "merge-base", base, head)
    return out.strip() if code == 0 else None


async def is_ancestor(repo: Path, old: str, new: str) -> bool:
    """Whether `new` contains `old`."""
    code, _ = await git.attempt(repo, "merge-base", "--is-ancestor", old, new)
    return code == 0


async def difference(repo: Path, old: str, new: str) -> list[FileChange]:
    """What `new` changes against `old`, with patches."""
    options = ("--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
    out = await git.git(repo, "diff", *options, old, new, "--")
    return [_file_change(part) for part in re.split(r"^diff --git ", out, flags=re.MULTILINE)[1:]]


def _file_change(part: str) -> FileChange:
    header, marker, rest = part.partition("\n@@ ")
    patch = f"@@ {rest}".rstrip("\n") if marker else ""
    status = "added" if "\nnew file mode" in header else "removed" if "\ndeleted file mode" in header else "modified"
    name = re.search(r"^--- a/(.*)$" if status == "removed" else r"^\+\+\+ b/(.*)$", header, re.MULTILINE)
    path = name.group(1) if name else header.partition("\n")[0].rpartition(" b/")[2]
    index = re.search(r"^index ([0-9a-f]{40})\.\.([0-9a-f]{40})", header, re.MULTILINE)
    lines = patch.splitlines()
    change = FileChange(path.rstrip("\t"), status, patch=patch)
    change.additions = sum(line.startswith("+") for line in lines)
    change.deletions = sum(line.startswith("-") for line in lines)
    change.blob = (index.group(1) if status == "removed" else index.group(2)) if index else None
    return change
