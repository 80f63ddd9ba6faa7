"""Say on the issue when an agent has stopped by itself or could not start, how to go on, and that it is back.

A session without an issue says it on the pull request that it was started for.
"""

from handlers.outbound import on, say
from runtime.changes import FoundAlive, StatusChanged
from runtime.facts import SpawnFailed
from runtime.project import Project
from runtime.reopening import did_not_resume
from runtime.sessions import Session
from runtime.status import Status
from runtime.store.tx import Tx

DIED = """The agent of `{session}` has stopped ({how}). Nothing is lost: its branch is `{branch}`, and what was not
pushed is kept under `refs/ao/preserved/{session}/`. To go on from there, comment `/agent restart`.{anew}"""
ALIVE = "The agent of `{session}` runs after all: it goes on with its work, and what waited for it is delivered."
ANEW = " To begin anew,\n{relabel}."
NOT_STARTED = """`{session}` could not start. Step `{step}` failed: {error}
{left}To try again, mend that, then {again}."""
RELABEL = "take the label `{label}` off this issue and put it back"
RESTART = "comment `/agent restart`"
LEFT = "Could not be undone: {what}.\n"
REASONS = ("agent_process_exited", "runtime_lost")


@on(StatusChanged)
def say_how_it_ended(change: StatusChanged, tx: Tx, project: Project) -> None:
    """Comment once when nobody asked for this end."""
    session, judged = change.session, change.judgement
    number = _where(session)
    if number is None or did_not_resume(session, change.facts):
        return
    if judged.reason in REASONS:
        anew = ANEW.format(relabel=_relabel(project)) if session.issue else ""
        text = DIED.format(session=session.id, how=judged.evidence, branch=session.branch, anew=anew)
    elif judged.status is Status.ERRORED and change.facts.spawn_failed is not None:
        text = _not_started(session, project, change.facts.spawn_failed)
    else:
        return
    say(tx, session, number, text, key=f"ended:{session.id}:{session.ended_at}")


@on(FoundAlive)
def take_the_end_back(change: FoundAlive, tx: Tx, _project: Project) -> None:
    """Comment once when an agent that was said to have stopped was found alive."""
    session = change.session
    if (number := _where(session)) is not None:
        say(tx, session, number, ALIVE.format(session=session.id), key=f"alive:{session.id}:{change.lost_at}")


def _where(session: Session) -> int | None:
    return session.issue or session.pull


def _not_started(session: Session, project: Project, failed: SpawnFailed) -> str:
    left = LEFT.format(what=", ".join(failed.left_behind)) if failed.left_behind else ""
    again = _relabel(project) if session.issue else RESTART
    return NOT_STARTED.format(session=session.id, step=failed.step, error=failed.error, left=left, again=again)


def _relabel(project: Project) -> str:
    return RELABEL.format(label=project.labels.spawn)
