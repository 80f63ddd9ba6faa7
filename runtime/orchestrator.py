"""A project's coordinating agent: one for each project, brought back rather than made anew.

It works in a worktree that it cannot write, starts workers with `ao spawn`, hears of them with `ao status`, and owns
no pull request.
"""

from typing import Literal

from runtime import restore
from runtime.project import Project
from runtime.sessions import Session
from runtime.store import orchestrators, sessions
from runtime.store.tx import Tx

Done = Literal["nothing", "started", "restored", "relaunched"]


def ensure(tx: Tx, project: Project, *, base: str, by: str, fresh: bool = False) -> Done:
    """See to it that the project has a live orchestrator; all in one transaction, so two calls at once make one."""
    known = orchestrators.of_project(tx.sql, project.id)
    if known is None:
        _claim(tx, project, base, by)
        return "started"
    if known.live:
        return "nothing"
    restore.bring_back(tx, known, by=by, fresh=fresh)
    return "restored"


def relaunch(tx: Tx, project: Project, *, base: str, by: str) -> Done:
    """Start its agent anew under the same id, with an empty memory; the keeper ends what runs."""
    known = orchestrators.of_project(tx.sql, project.id)
    if known is None:
        _claim(tx, project, base, by)
        return "started"
    restore.bring_back(tx, known, by=by, fresh=True)
    return "relaunched"


def _claim(tx: Tx, project: Project, base: str, by: str) -> Session:
    return orchestrators.claim(
        tx, project=project.id, prefix=project.session_prefix, repo=project.repo, agent=project.agent, base=base,
        asked_by=by,
    )  # fmt: skip


def of(tx: Tx, project: str) -> Session | None:
    """Return the project's live orchestrator."""
    known = orchestrators.of_project(tx.sql, project)
    return known if known is not None and sessions.get(tx.sql, known.id) and known.live else None
