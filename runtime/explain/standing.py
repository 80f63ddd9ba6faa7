"""Where a session stands: what it is, which facts decided, and what it waits for."""

from collections.abc import Sequence

import msgspec

from runtime.answering import open_question
from runtime.current import current
from runtime.explain.spans import ago, ahead, span
from runtime.fact import Fact
from runtime.facts import Check, ChecksDone, Facts, Pushed
from runtime.inbox import PASTED, Message
from runtime.look import Look
from runtime.project import Times
from runtime.status import ENDED, judge
from runtime.store.facts import Known
from runtime.store.outbox import Outgoing
from runtime.store.outbox import about as about_row
from runtime.words import quoted, words

MEANS = {
    "spawning": "it is being started",
    "working": "its agent is at work",
    "detecting": "it is being found out whether its agent still runs",
    "idle": "its agent has nothing to do",
    "pr_open": "its pull request is open",
    "ci_failed": "a check of its pull request has failed",
    "review_pending": "its pull request is green and waits for a review",
    "changes_requested": "a reviewer asks for changes",
    "approved": "its pull request is approved",
    "mergeable": "its pull request is approved and green",
    "merged": "its pull request is merged",
    "needs_input": "its agent waits for a person",
    "stuck": "nothing has been heard of its agent for too long",
    "errored": "it has failed",
    "killed": "it was stopped",
    "cleanup": "its issue was closed",
    "done": "its agent says that the work is done",
    "terminated": "it has ended",
}
"""What each status says, as part of a sentence."""

_EXACTLY = {
    ("working", "turn_finished"): "its agent has just finished a turn",
    ("needs_input", "error_in_process"): "its agent's turn ended in an error, and it waits for a person",
    ("needs_input", "paused"): "it is paused until its label is put back",
    ("killed", "runtime_lost"): "its terminal and its agent's process are gone",
    ("stuck", "probe_failure"): "it cannot be found out whether its agent still runs",
    ("idle", "pr_closed_waiting_decision"): "its pull request was closed without a merge, and nobody has said what now",
}

_OF_A_PULL = ("pull_request", "check", "checks_done", "review")
_DECIDED_BY = {
    "spawning": ("spawn_failed", "process", "restored"),
    "working": ("turn", "report"),
    "detecting": ("probe",),
    "idle": ("turn", "pull_request"),
    "needs_input": ("turn", "paused", "report"),
    "stuck": ("turn", "process", "probe"),
    "errored": ("spawn_failed", "process"),
    "killed": ("killed", "process", "probe"),
    "cleanup": ("killed", "issue_closed"),
    "done": ("report",),
    "terminated": ("killed", "process"),
    "merged": ("pull_request",),
}
_MOST_FACTS = 6
_WORD_OF = {
    "push": "the agent's own word", "github": "GitHub's word", "person": "a person's word",
    "tmux": "a look at its terminal", "gate": "seen at the gate",
}  # fmt: skip

ASKS = "Answer with: ao approve {name}, ao deny {name} WHY, or in its terminal: ao session attach {name}"
MEND = "Mend what its start failed at, then bring it back with: ao session restore {name}"
HELP = {
    "needs_input": "Answer with: ao send {name} TEXT, or in its terminal: ao session attach {name}",
    "stuck": "Look at its terminal: ao session attach {name}",
    "errored": "Look at what it left with: ao session attach {name}. Bring it back with: ao session restore {name}",
    "killed": "Bring it back with: ao session restore {name}",
    "terminated": "Bring it back with: ao session restore {name}",
}


def standing(seen: Look, known: Sequence[Known], now: float) -> list[str]:
    """Return what a session is and which facts decided, in sentences."""
    session = seen.session
    task = f"issue #{session.issue} of {session.repo}" if session.issue else f"a task in {session.repo}"
    what = f"{session.id} is for {task}, {quoted(session.title, 60)}, with the agent {session.agent}"
    status, reason = session.announced_status or "new", session.announced_reason
    means = _EXACTLY.get((status, reason)) or MEANS.get(status, status)
    asked_by = "A person" if session.asked_by == "a person" else session.asked_by
    lines = [
        f"{what}. {asked_by} asked for it {ago(session.created_at, now)}. Its branch is {session.branch}.",
        f"It has been {status} for {span(now - session.announced_at)}: {means}"
        + (f" ({reason.replace('_', ' ')})." if reason else "."),
    ]
    decided = _decided(seen, known)
    return [*lines, *(_said(one, now) for one in decided), *_what_is_left(seen)]


def _said(known: Known, now: float) -> str:
    text = words(known.fact)
    if text.split()[0] in ("its", "the", "pull", "check", "all", "commit", "a"):  # not a person's name
        text = text[0].upper() + text[1:]
    return f"{text} ({_whose(known)}, {ago(known.fact.at, now)})."


def _decided(seen: Look, known: Sequence[Known]) -> list[Known]:
    """Return the facts behind the status, as far as they still count, newest first."""
    kinds = _DECIDED_BY.get(seen.session.announced_status, _OF_A_PULL)
    facts = current(seen.facts)
    head = facts.pull_request.head_sha if facts.pull_request else ""
    counted = _all(facts)
    chosen = [one for one in known if one.fact.kind in kinds and one.fact in counted and _is_about(one.fact, head)]
    return sorted(chosen, key=lambda one: (kinds.index(one.fact.kind), -one.fact.at))[:_MOST_FACTS]


def _all(facts: Facts) -> list[Fact]:
    found: list[Fact] = []
    for value in msgspec.structs.astuple(facts):
        found += [value] if isinstance(value, Fact) else value if isinstance(value, tuple) else ()
    return found


def _is_about(fact: Fact, head: str) -> bool:
    return fact.head_sha == head if isinstance(fact, Check | ChecksDone) else not isinstance(fact, Pushed)


def _whose(known: Known) -> str:
    return _WORD_OF.get(known.source, "the service's word")


def waits(
    seen: Look, now: float, *, times: Times, running: int, allowed: int, unsent: Sequence[Outgoing] = ()
) -> list[str]:
    """Return what a session waits for and until when, and what a person can do; empty when it waits for nothing.

    `running` sessions hold a slot of `allowed`.
    """
    return [
        *_for_its_start(seen, running, allowed),
        *_for_time(seen, now, times),
        *(_for_message(seen, message, now) for message in seen.waiting),
        *(_for_github(row, now) for row in unsent),
        *_for_a_person(seen),
    ]


def _for_its_start(seen: Look, running: int, allowed: int) -> list[str]:
    if not seen.session.live or seen.facts.spawned:
        return []
    if place := seen.session.queue_position:
        full = f"{running} of {allowed} slots {'is' if running == 1 else 'are'} taken"
        return [f"It is number {place} in the queue: {full}. Raise limits.sessions, or end one."]
    done = ", ".join(seen.steps) or "nothing yet"
    return [f"Its start is under way; done so far: {done}."]


def _for_time(seen: Look, now: float, times: Times) -> list[str]:
    at = seen.session.recheck_at
    if at is None or not seen.session.live:
        return []
    then = judge(seen.facts, max(at, now), times)
    becomes = f"becomes {then.status} ({then.reason.replace('_', ' ')})"
    same = (then.status, then.reason) == (seen.session.announced_status, seen.session.announced_reason)
    return [f"If nothing happens, it is looked at again {ahead(at, now)}" + ("." if same else f" and {becomes}.")]


def _for_message(seen: Look, message: Message, now: float) -> str:
    what = f"Message {message.id} ({message.origin}, {ago(message.created_at, now)})"
    if message.state == PASTED and not seen.facts.spawned:
        return f"{what} is what its agent starts with."
    if message.state == PASTED:
        evidence = f": {message.evidence}" if message.evidence else ""
        return f"{what} is typed and waits for the agent to say that it took it in{evidence}."
    why = seen.why_not_type()
    if why is None and message.not_before > now:
        why = f"more may come; it goes {ahead(message.not_before, now)}"
    why = why or message.evidence or "its turn comes next"
    tried = f", after {message.attempts} attempts" if message.attempts else ""
    until = f" It expires {ahead(message.expires_at, now)}." if message.expires_at else ""
    return f"{what} waits{tried}: {why}.{until}"


def _for_github(row: Outgoing, now: float) -> str:
    when = f", tried again {ahead(row.not_before, now)}" if row.error else ""
    why = f": {row.error}" if row.error else ""
    return f"GitHub does not have the {about_row(row.kind, row.payload)} yet{why}{when}."


def _what_is_left(seen: Look) -> list[str]:
    if seen.session.live:
        return []
    if seen.facts.cleaned is None:
        return ["Its worktree is still there."]
    kept, place, left = seen.facts.cleaned.preserved, seen.facts.cleaned.repository, seen.facts.cleaned.left
    where = f" in {place}" if place else ""
    said = [f"Work that was not pushed is kept as {kept}{where}."] if kept else []
    said += [f"Its worktree was not where it belongs and may hold more: {left}."] if left else []
    never_ran = seen.facts.spawn_failed is not None and seen.facts.restored is None
    return said or ["It has done nothing yet." if never_ran else "Everything it did is on GitHub."]


def _for_a_person(seen: Look) -> list[str]:
    asks = seen.session.live and open_question(seen.facts) is not None
    no_start = seen.session.announced_reason == "spawn_failed"
    text = ASKS if asks else MEND if no_start else HELP.get(seen.session.announced_status)
    merged = seen.session.announced_status in ENDED and seen.session.announced_reason == "merged"
    return [text.format(name=seen.session.id)] if text and not merged else []
