"""Ends: merged, ended by a person, never started, or the process is gone."""

from runtime.facts import Facts, Killed, Process
from runtime.judging.judgement import Judgement, Status

_KILLED = {"manually_killed": Status.KILLED, "issue_closed": Status.CLEANUP, "auto_cleanup": Status.CLEANUP}


def ended(facts: Facts) -> Judgement | None:
    """Return how the session has ended; a merge outranks every other end, a person's word the process's."""
    pull = facts.pull_request
    if pull and pull.state == "merged":
        evidence = f"#{pull.number} merged as {pull.merge_sha[:7]}"
        return Judgement(status=Status.MERGED, reason="merged", evidence=evidence)
    if facts.killed:
        return _killed(facts.killed)
    if failed := facts.spawn_failed:
        return Judgement(status=Status.ERRORED, reason="spawn_failed", evidence=f"{failed.step}: {failed.error}")
    if facts.process and facts.process.state != "running":
        return _process_gone(facts.process)
    return None


def _killed(killed: Killed) -> Judgement:
    status = _KILLED.get(killed.reason, Status.TERMINATED)
    evidence = f"by {killed.by}" + (f": {killed.why}" if killed.why else "")
    return Judgement(status=status, reason=killed.reason, evidence=evidence)


def _process_gone(process: Process) -> Judgement:
    if process.state == "lost":
        evidence = process.detail or "its terminal is gone, no exit code"
        return Judgement(status=Status.KILLED, reason="runtime_lost", evidence=evidence)
    how = f"signal {process.signal}" if process.signal else f"exit code {process.exit_code}"
    if process.signal is None and process.exit_code is None:
        how = "unknown exit code"
    status = Status.TERMINATED if process.exit_code == 0 else Status.ERRORED
    return Judgement(status=status, reason="agent_process_exited", evidence=how)
