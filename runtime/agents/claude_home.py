"""The file that Claude Code keeps its user's answers in: read, and added to when an answer is missing.

It belongs to the user, and running sessions rewrite it: we merge, under Claude Code's own lock, and only if we must.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runtime.errors import Retryable, UserError

KEYS = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
)  # fmt: skip
NO_LOGIN = (
    "Claude Code has no login here ({file}): run `claude` once as this user and log in, or give the project a key "
    "of its own, `env: {{ANTHROPIC_API_KEY: ...}}`."
)
UNREADABLE = "{file} is not JSON: run `claude` once as this user, it repairs the file."

# Its locks are directories that are touched every few seconds: npm's proper-lockfile, `stale` of 10 s.
_STALE = 10.0
LOCK_WITHIN = 1.0


def prepare(env: Mapping[str, str], repository: Path) -> None:
    """Make sure that no dialog of a first run stands in the way in this repository; idempotent.

    `UserError` if there is neither a login nor a key.
    """
    file = Path(env.get("CLAUDE_CONFIG_DIR") or env.get("HOME") or Path.home()) / ".claude.json"
    known = _read(file)
    if not known.get("hasCompletedOnboarding") and not any(env.get(name) for name in KEYS):
        raise UserError(NO_LOGIN.format(file=file))
    if _answered(known, env, repository) == known:
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(file):
        _write(file, _answered(_read(file), env, repository))


def _answered(known: dict[str, Any], env: Mapping[str, str], repository: Path) -> dict[str, Any]:
    """Return `known` with the answers that a person has given by naming the repository and the key in the project."""
    projects = dict(known.get("projects") or {})
    for trusted in _names(repository):
        projects[trusted] = {**projects.get(trusted, {}), "hasTrustDialogAccepted": True}
    answers = {"theme": "dark", **known, "hasCompletedOnboarding": True, "projects": projects}
    if key := env.get("ANTHROPIC_API_KEY"):
        responses = known.get("customApiKeyResponses") or {}
        approved = [
            *responses.get("approved", []),
            *([] if key[-20:] in responses.get("approved", []) else [key[-20:]]),
        ]
        answers["customApiKeyResponses"] = {"rejected": [], **responses, "approved": approved}
    return answers


def _names(repository: Path) -> list[str]:
    """Return what Claude Code calls a repository: its worktrees are trusted with it."""
    real = repository.resolve()
    return [str(real.parent if real.name == ".git" else real)]


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_bytes() or b"{}")
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise UserError(UNREADABLE.format(file=file)) from exc
    return known if isinstance(known, dict) else {}


def _write(file: Path, known: dict[str, Any]) -> None:
    whole = file.resolve()
    draft = whole.with_name(f".{whole.name}.ao-{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(known, indent=2, ensure_ascii=False))
    draft.replace(whole)


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    lock, until = Path(f"{file}.lock"), time.monotonic() + LOCK_WITHIN
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            if _has_gone(lock):
                continue
            if time.monotonic() > until:
                raise Retryable(f"{lock} is held by another program", after=2.0) from None
            time.sleep(0.02)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.rmdir()


def _has_gone(lock: Path) -> bool:
    """Take a lock away that nobody touches any more; tell whether there is none now."""
    with contextlib.suppress(OSError):
        if time.time() - lock.stat().st_mtime > _STALE:
            lock.rmdir()
    return not lock.exists()
