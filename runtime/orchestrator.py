"""A project's coordinating agent: one for each project, brought back rather than made anew.

It works in a worktree that is only for reading, starts workers with `ao spawn`, hears of them with `ao status`, and
owns no pull request.
"""

from typing import Literal

from runtime import restore
from runtime.project import Project
from runtime.store import orchestrators
from runtime.store.tx import Tx

Done = Literal["nothing", "started", "restored", "relaunched"]

ASKED_FOR = "a new one was asked for"


def ensure(tx: Tx, project: Project, *, base: str, by: str, fresh: bool = False) -> Done:
    """See to it that the project has a live orchestrator; all in one transaction, so two calls at once make one."""
    known = orchestrators.of_project(tx.sql, project.id)
    if known is None:
        return _claim(tx, project, base, by)
    if known.live:
        return "nothing"
    restore.bring_back(tx, known, by=by, fresh_because=ASKED_FOR if fresh else "")
    return "restored"


def relaunch(tx: Tx, project: Project, *, base: str, by: str) -> Done:
    """Start its agent anew under the same id, with an empty memory; the keeper ends what runs."""
    known = orchestrators.of_project(tx.sql, project.id)
    if known is None:
        return _claim(tx, project, base, by)
    restore.start_over(tx, known, by=by, because=ASKED_FOR)
    return "relaunched"


def _claim(tx: Tx, project: Project, base: str, by: str) -> Done:
    orchestrators.claim(
        tx, project=project.id, prefix=project.session_prefix, repo=project.repo, agent=project.agent, base=base,
        asked_by=by,
    )  # fmt: skip
    return "started"
