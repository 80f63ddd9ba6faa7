"""Repositories and worktrees as files on disk, written by hand: no git process, and every byte is known to us.

Three directories belong to one repository:

    <name>.git        shared: objects and refs of all worktrees; agents write here, so its config is never believed
    <name>.control    ours: its own config, with links to the shared objects and refs; git runs by this one
    worktrees/<id>    inside the shared one: what git keeps for one worktree (HEAD, index, config.worktree)
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from runtime import disk

_TRACKING = "+refs/heads/*:refs/remotes/origin/*"
# Linked worktrees take this repository for one with files, and would refuse to check out the branch it is on.
_NO_BRANCH = "ref: refs/heads/ao/none\n"
_BRANCH_SECTION = re.compile(r'^\[branch "[^"\n]*"\]\n\tremote = origin\n\tmerge = refs/heads/\S+\n', re.MULTILINE)
_BARE = "[core]\n\tbare = true\n"
# More processes write files than there are cores, because each waits for the file system: four took 185 ms for 5,000
# files where two took 211 and six 175 (checkout.workers, https://git-scm.com/docs/git-config).
_CONTROL = """[core]
	repositoryformatversion = 0
	bare = false
	hooksPath = /dev/null
	fsmonitor = false
	untrackedCache = false
	attributesFile = /dev/null
	excludesFile = /dev/null
	logAllRefUpdates = false
	packedRefsTimeout = 5000
	filesRefLockTimeout = 5000
[gc]
	auto = 0
[maintenance]
	auto = false
[checkout]
	workers = 4
[fetch]
	recurseSubmodules = false
[diff]
	ignoreSubmodules = all
"""
_GATE = """[core]
	repositoryformatversion = 0
	bare = true
	hooksPath = {hooks}
[receive]
	autogc = false
	denyDeletes = false
	denyNonFastForwards = false
[gc]
	auto = 0
[uploadpack]
	allowReachableSHA1InWant = true
"""


def quoted(value: str | Path) -> str:
    """Return a value as git's configuration files write it, whatever it contains."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{text}"'


def place(target: Path, files: Mapping[str, str], links: Mapping[str, Path] | None = None) -> None:
    """Make a directory with these files, empty directories (names ending in a slash) and links, or none of it."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    draft.mkdir(parents=True, mode=0o700)
    for name, text in files.items():
        spot = draft / name
        (spot if name.endswith("/") else spot.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            spot.write_text(text, encoding="utf-8")
    for name, goal in (links or {}).items():
        (draft / name).symlink_to(goal)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not (target / "HEAD").exists():
            raise


def shared_config(url: str) -> dict[str, str]:
    """Return the configuration files of a shared repository, byte for byte.

    `core.bare` is in `config.worktree` because linked worktrees would obey it in the common file
    (git-worktree(1), CONFIGURATION FILE).
    """
    common = (
        "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n"
        "[extensions]\n\tworktreeConfig = true\n"
        f'[remote "origin"]\n\turl = {quoted(url)}\n\tfetch = {_TRACKING}\n'
    )
    return {"config": common, "config.worktree": _BARE}


def without_branches(config: str) -> str:
    """Return a configuration without what `git push -u` and `git switch -c` write, to tell those from meddling."""
    return _BRANCH_SECTION.sub("", config)


def worktree_config(url: str, gate: Path, upload_pack: str, name: str, email: str) -> str:
    """Return a worktree's own configuration: the remote looks like the forge's, and everything goes to the gate."""
    return (
        f"[user]\n\tname = {quoted(name)}\n\temail = {quoted(email)}\n"
        f"[url {quoted(gate)}]\n\tinsteadOf = {quoted(url)}\n"
        f'[remote "origin"]\n\tpushurl = {quoted(gate)}\n\tuploadpack = {quoted(upload_pack)}\n'
        "[push]\n\tdefault = current\n\tautoSetupRemote = true\n"
    )


def make_shared(path: Path, url: str) -> None:
    """Make the bare repository that worktrees come from; one that is there stays."""
    if not (path / "HEAD").exists():
        empty = {name: "" for name in ("objects/info/", "objects/pack/", "refs/heads/", "refs/tags/", "info/")}
        place(path, {"HEAD": _NO_BRANCH, **shared_config(url), **empty})


def make_control(path: Path, shared: Path, *, borrowed: bool) -> None:
    """Make the service's own git directory over the shared objects and refs; repairs what is missing.

    Linking objects, refs and packed-refs, and nothing else, is how git's contrib/workdir/git-new-workdir works. What a
    person ignores in a clone of theirs counts too; in a repository of ours one agent could hide every other's files.
    """
    linked = ("objects", "refs", "packed-refs", *(("shallow", "info/exclude") if borrowed else ()))
    links = {name: shared / name for name in linked}
    if not (path / "HEAD").exists():
        place(path, {"HEAD": _NO_BRANCH, "config": _CONTROL, "info/": "", "made/": ""}, links)
    elif disk.read(path / "config") != _CONTROL:
        disk.write(path / "config", _CONTROL)
    if not borrowed:
        (path / "info/exclude").unlink(missing_ok=True)


def control_for(usual: Path, shared: Path) -> Path:
    """Return where the control directory of a repository is: not the usual place if that is another repository's.

    So it is after a project was given another clone, or none any more: each keeps what is known of its worktrees.
    """
    try:
        other = (usual / "refs").readlink() != shared / "refs"
    except OSError:
        return usual
    word = hashlib.sha256(os.fsencode(shared)).hexdigest()[:8]
    return usual.with_name(f"{usual.stem}.{word}.control") if other else usual


def make_gate(path: Path, objects: Path, hook: str, default_branch: str) -> None:
    """Make or repair the bare repository that an agent fetches from and pushes to."""
    fixed = {
        "HEAD": f"ref: refs/heads/{default_branch}\n",
        "config": _GATE.format(hooks=quoted(path / "hooks")),
        "objects/info/alternates": f"{objects}\n",
    }
    if not (path / "HEAD").exists():
        place(path, {**fixed, "objects/pack/": "", "refs/heads/": "", "hooks/": ""})
    for name, text in fixed.items():
        if disk.read(path / name) != text:
            disk.write(path / name, text)
    if disk.read(path / "hooks/pre-receive") != hook:
        disk.write(path / "hooks/pre-receive", hook, mode=0o755)


def common_directory(clone: Path) -> Path | None:
    """Return the git directory with the objects and refs of a clone, a linked worktree or a bare repository."""
    inside = clone / ".git"
    if inside.is_file():
        inside = clone / (disk.read(inside) or "").removeprefix("gitdir:").strip()
        inside = inside / (disk.read(inside / "commondir") or ".").strip()
    found = inside if inside.is_dir() else clone
    return found.resolve() if (found / "objects").is_dir() and (found / "HEAD").exists() else None
