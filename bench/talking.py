"""From a delivery on GitHub to the receipt of an agent that waits at its prompt."""

import json

from bench.figure import Figure, median, percentile
from bench.ground import Ground, NotMeasured, ground, until

COMMENTS = 40
FRESH = 10
FAILURES = 10
SWALLOWED = 20
YOUNG = 5.0
P50_MS, P95_MS = 60.0, 150.0

# An agent that breaks CI when asked to, and one that does not see the first Enter of each message.
SCRIPT = """
[[rule]]
match = 'break CI'
actions = [{append_file = {path = "work.txt", content = "more\\n"}}, {commit = "Work"}, {push = {}}]

[[rule]]
match = 'swallow'
actions = [{swallow_enter = 1}]
"""
FILES = {
    "README.md": "# Broken\n",
    ".github/workflows/ci.yml": """name: CI
on: [push]
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: "echo no; exit 1"
""",
}


async def comment() -> list[Figure]:
    """Comment on the issue of an idle session, and of sessions that have just begun."""
    async with ground() as place:
        issue, _ = await place.session()
        await place.comment(issue, "to warm up")
        idle = [await place.comment(issue, f"comment {number}") for number in range(COMMENTS)]
        young = [await _fresh(place) for _ in range(FRESH)]
    return [*_both("comment", idle, "an idle session"), *_both("comment-fresh", young, f"younger than {YOUNG:g} s")]


async def _fresh(place: Ground) -> float:
    issue, name = await place.session()
    took = await place.comment(issue, "in the first seconds")
    query = (
        "SELECT records.at - sessions.created_at FROM records JOIN sessions ON sessions.id = session_id"
        " WHERE session_id = ? AND records.kind = 'message' AND json_extract(data, '$.state') = 'accepted'"
        " ORDER BY records.id DESC LIMIT 1"
    )
    if place.rows(query, name)[0][0] >= YOUNG:
        raise NotMeasured(f"{name} was no longer young when it took its first comment in")
    return took


def _both(name: str, seconds: list[float], note: str) -> list[Figure]:
    note = f"{note}, {len(seconds)} comments"
    return [
        Figure(f"{name} p50", median(seconds) * 1e3, "ms", P50_MS, note=note),
        Figure(f"{name} p95", percentile(seconds, 0.95) * 1e3, "ms", P95_MS, note=note),
    ]


async def checks() -> list[Figure]:
    """Let CI fail on what the agent pushed; the suite's end, which closes the settle window, follows at once."""
    async with ground(files=FILES, script=SCRIPT) as place:
        issue, name = await place.session()
        took = [await _failure(place, issue, name) for _ in range(FAILURES)]
    note = f"median of {len(took)}; slowest {max(took) * 1e3:.0f} ms"
    return [Figure("ci", median(took) * 1e3, "ms", 150.0, note=note)]


async def _failure(place: Ground, issue: int, name: str) -> float:
    async def agent_pushes() -> None:
        await place.comment(issue, "please break CI")

    run, suite = await place.held_back(agent_pushes, "check_run.completed", "check_suite.completed")
    await until("the agent is idle", lambda: _idle(place, name))
    began = await place.post(run)
    await place.post(suite)
    sha = json.loads(run.body)["check_run"]["head_sha"]
    took = await place.accepted(f"ci:{name}:{sha}") - began
    await until("the agent is idle", lambda: _idle(place, name))
    return took


def _idle(place: Ground, name: str) -> bool:
    query = "SELECT count(*) FROM messages WHERE session_id = ? AND state NOT IN ('answered', 'failed')"
    return bool(place.rows(query, name)[0][0] == 0)


async def enter() -> list[Figure]:
    """Let the agent swallow the Enter of each message, and count the messages that it takes in all the same."""
    async with ground(script=SCRIPT) as place:
        issue, name = await place.session()
        await place.comment(issue, "swallow the next Enter")
        took = [await place.comment(issue, f"swallow {number}") for number in range(SWALLOWED)]
        await until("the agent is idle", lambda: _idle(place, name))
        once = _typed_once(place, name)
    note = f"seen and repaired; {once} typed once only; median {median(took) * 1e3:.0f} ms"
    return [Figure("enter", len(took), f"of {SWALLOWED}", SWALLOWED, at_least=True, note=note)]


def _typed_once(place: Ground, name: str) -> int:
    return int(place.rows("SELECT count(*) FROM messages WHERE session_id = ? AND attempts = 1", name)[0][0])
