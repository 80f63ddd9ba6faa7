"""What a fact says, in plain words: for the audit trail, and for whoever asks why."""

from runtime import facts, said
from runtime.explain.spans import span
from runtime.fact import Fact
from runtime.probe import Probe, Slept

OVERDUE = {
    "no_acknowledge": "the agent has not acknowledged its task",
    "stale_report": "the agent has reported nothing new for long",
    "": "no word of the agent is overdue any more",
}
STEPS = {
    "workspace": "its worktree is there",
    "launch": "its launch files are written",
    "terminal": "its terminal is open",
    "reopened": "its worktree is there again",
    "preserved": "what its dead agent had not pushed is safe",
    "preserved_last": "what it had not pushed is safe",
}
"""What each step of a start or an end brings about, once it is done."""

_SHA = 7
_QUOTED = 160


def words(fact: Fact) -> str:
    """Return a fact as part of a sentence, without the session's name."""
    match fact:
        case facts.Process():
            return _process(fact)
        case facts.Turn():
            return _turn(fact)
        case facts.PullRequest():
            return _pull_request(fact)
        case facts.Check() | facts.ChecksDone() | facts.Review():
            return _verdict(fact)
        case facts.SpawnFailed():
            left = f"; left behind: {', '.join(fact.left_behind)}" if fact.left_behind else ""
            return f"its start failed at {fact.step}: {fact.error}{left}"
        case facts.Pushed():
            return f"commit {fact.sha[:_SHA]} is on the forge"
        case facts.Cleaned():
            kept = f"; work that was not pushed is kept as {fact.preserved}" if fact.preserved else ""
            return f"its worktree and branch are cleared away{kept}"
        case Probe():
            looks = "a look" if fact.attempts <= 1 else f"{fact.attempts} looks"
            if fact.terminal == "unknown":
                return f"{looks} had no answer from tmux and found its process {fact.process}"
            return f"{looks} found its terminal {fact.terminal} and its process {fact.process}"
        case Slept():
            return f"the machine has slept for {span(fact.naps[-1][1])}"
    return _by_somebody(fact)


def level(fact: Fact) -> str:
    """Return how loud a fact is: info, warning or error."""
    match fact:
        case facts.SpawnFailed():
            return "error"
        case facts.Process(state="lost") | facts.Turn(state="blocked") | said.ReportOverdue(trigger="stale_report"):
            return "warning"
        case said.Interrupt(state="failed") | said.Decision(state="failed"):
            return "warning"
        case facts.Process(state="exited") if fact.exit_code != 0:
            return "warning"
    return "info"


def quoted(text: str, most: int = _QUOTED) -> str:
    """Return the beginning of what somebody said, in quotation marks, on one line."""
    flat = " ".join(text.split())
    return f'"{flat}"' if len(flat) <= most else f'"{flat[: most - 1]}…"'


def _process(fact: facts.Process) -> str:
    if fact.state == "running":
        return f"its agent runs as process {fact.pid}" if fact.pid else "its agent runs"
    if fact.state == "lost":
        return f"its agent is lost, without an exit code: {fact.detail or 'its terminal is gone'}"
    if fact.signal:
        return f"its agent was ended by signal {fact.signal}"
    how = "an unknown exit code" if fact.exit_code is None else f"exit code {fact.exit_code}"
    return f"its agent ended with {how}"


def _turn(fact: facts.Turn) -> str:
    if fact.state == "active":
        return "the agent is at work on a turn"
    if fact.state == "waiting":
        return f"the agent waits for a decision: {quoted(fact.question)}"
    if fact.state == "blocked":
        return f"the agent's turn ended in an error: {quoted(fact.last_message)}"
    ended = "the agent has finished its turn" if fact.number else "the agent is ready"
    return ended + (f" and said {quoted(fact.last_message)}" if fact.last_message else "")


def _pull_request(fact: facts.PullRequest) -> str:
    state = "open as a draft" if fact.draft and fact.state == "open" else fact.state
    by = f" by {fact.merged_by}" if fact.merged_by else ""
    return f"pull request #{fact.number} is {state}{by}, at {fact.head_sha[:_SHA]}"


def _verdict(fact: facts.Check | facts.ChecksDone | facts.Review) -> str:
    if isinstance(fact, facts.Check):
        return f"check {fact.name} of {fact.head_sha[:_SHA]}: {fact.conclusion or 'runs'}"
    if isinstance(fact, facts.ChecksDone):
        return f"all checks of {fact.head_sha[:_SHA]} by {fact.app} are done: {fact.conclusion}"
    opinion = {"approved": "approved", "changes_requested": "asks for changes"}
    return f"{fact.reviewer} {opinion.get(fact.state, 'withdrew the review')}"


def _by_somebody(fact: Fact) -> str:
    match fact:
        case facts.IssueClosed():
            return f"{fact.by} closed its issue" + (f" as {fact.why.replace('_', ' ')}" if fact.why else "")
        case facts.Paused():
            return f"{fact.by} took its label away" if fact.paused else f"{fact.by} put its label back"
        case facts.Killed():
            return f"{fact.by} ended it ({fact.reason.replace('_', ' ')})"
        case said.Restored():
            why = f", because {fact.why_fresh}" if fact.why_fresh else ""
            return f"{fact.by} brought it back, {'where it was' if fact.how == 'resumed' else 'started afresh'}{why}"
        case said.Report():
            return f"the agent reports {fact.state}" + (f": {quoted(fact.note)}" if fact.note else "")
        case said.ReportOverdue():
            return OVERDUE[fact.trigger]
        case said.Acknowledged():
            return "the agent confirms that it has its task"
        case said.AgentInfo():
            return "the agent's own records were read"
        case said.Noted():
            who = fact.by or "a person"
            return f"{who} set {fact.key} to {quoted(fact.value)}" if fact.value else f"{who} took {fact.key} back"
        case said.Claimed() if fact.taken_by:
            return f"{fact.taken_by} took pull request #{fact.number} over"
        case said.Claimed():
            return f"{fact.by or 'a person'} gave it pull request #{fact.number}"
        case said.Interrupt():
            return _request(f"{fact.by} interrupts the agent", fact)
        case said.Decision():
            answer = quoted(fact.answer) if fact.answer else "yes" if fact.allow else "no"
            return _request(f"{fact.by} answers {quoted(fact.question)} with {answer}", fact)
    return f"{fact.kind} {fact.subject()}".rstrip()


def _request(what: str, fact: said.Request) -> str:
    """Say what a person wants done at the terminal, and how far it has come."""
    of = {"asked": "", "pressed": ": the key is pressed", "done": f": {fact.evidence}", "failed": ""}
    return what + (f", in vain: {fact.evidence}" if fact.state == "failed" else of[fact.state])
