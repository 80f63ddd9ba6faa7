"""Say on the issue when an agent has stopped by itself or could not start, and how to go on."""

from handlers.outbound import on, say
from runtime.changes import StatusChanged
from runtime.facts import SpawnFailed
from runtime.project import Project
from runtime.reopening import did_not_resume
from runtime.sessions import Session
from runtime.status import Status
from runtime.store.tx import Tx

DIED = """The agent of `{session}` has stopped ({how}). Nothing is lost: its branch is `{branch}`, and what was not
pushed is kept under `refs/ao/preserved/{session}/`. To go on from there, comment `/agent restart`. To begin anew,
take the label `{label}` off this issue and put it back."""
NOT_STARTED = """`{session}` could not start. Step `{step}` failed: {error}
{left}To try again, mend that, then take the label `{label}` off this issue and put it back."""
LEFT = "Could not be undone: {what}.\n"
REASONS = ("agent_process_exited", "runtime_lost")


@on(StatusChanged)
def say_how_it_ended(change: StatusChanged, tx: Tx, project: Project) -> None:
    """Comment once when nobody asked for this end."""
    session, judged = change.session, change.judgement
    if session.issue is None or did_not_resume(session, change.facts):
        return
    if judged.reason in REASONS:
        text = DIED.format(session=session.id, how=judged.evidence, branch=session.branch, label=project.labels.spawn)
    elif judged.status is Status.ERRORED and change.facts.spawn_failed is not None:
        text = _not_started(session, project, change.facts.spawn_failed)
    else:
        return
    back = change.facts.restored
    say(tx, session, session.issue, text, key=f"ended:{session.id}" + (f":{back.at}" if back else ""))


def _not_started(session: Session, project: Project, failed: SpawnFailed) -> str:
    left = LEFT.format(what=", ".join(failed.left_behind)) if failed.left_behind else ""
    return NOT_STARTED.format(
        session=session.id, step=failed.step, error=failed.error, left=left, label=project.labels.spawn
    )
