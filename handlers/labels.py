"""Show on the issue's labels whether an agent works on it, waits for a person, or is done."""

from handlers.outbound import on, send
from runtime.changes import IssueMoved, StatusChanged
from runtime.project import Labels, Project
from runtime.status import ENDED, Status
from runtime.store.tx import Tx


@on(StatusChanged)
def show_labels(change: StatusChanged, tx: Tx, project: Project) -> None:
    """Exchange one label for another when the session moves between them."""
    session = change.session
    if session.issue is None:
        return
    before, after = label_for(change.before, project.labels), label_for(change.judgement.status, project.labels)
    if before == after:
        return
    stamp = f"{session.id}:{tx.now}"
    if after:
        send(tx, session, "label", f"label:{stamp}:{after}", number=session.issue, name=after)
    if before:
        send(tx, session, "unlabel", f"unlabel:{stamp}:{before}", number=session.issue, name=before)


@on(IssueMoved)
def move_label(change: IssueMoved, tx: Tx, project: Project) -> None:
    """Take the session's label along to its other issue."""
    session, stamp = change.session, f"{change.session.id}:{tx.now}:moved"
    label = label_for(session.announced_status, project.labels)
    if label and session.issue is not None:
        send(tx, session, "label", f"label:{stamp}:{label}", number=session.issue, name=label)
    if label and change.before is not None:
        send(tx, session, "unlabel", f"unlabel:{stamp}:{label}", number=change.before, name=label)


def label_for(status: str, labels: Labels) -> str:
    """Return the label of a status, or an empty string for none."""
    if status == Status.NEEDS_INPUT:
        return labels.needs_input
    if status == Status.MERGED:
        return labels.done
    return "" if not status or status in ENDED else labels.in_progress
