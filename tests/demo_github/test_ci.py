"""Continuous integration runs for real, and ends."""

import pytest

from bot.demo.github import ci
from bot.demo.github.routes.checks import LINK_LIFE
from tests.demo_github import git
from tests.demo_github.place import REPO
from tests.waiting import gone


def test_steps_of_actions_are_left_out():
    jobs = ci.parse("jobs: {a: {steps: [{uses: x}, {name: N, run: 'echo 1'}]}, b: {name: B, steps: [{run: 'true'}]}}")
    assert jobs == [ci.Job("a", (("N", "echo 1"),)), ci.Job("B", (("true", "true"),))]


async def test_step_is_stopped_with_everything_it_started(tmp_path):
    pid, deadline = tmp_path / "pid", 0.1
    while not pid.exists() or not pid.read_text():  # one that comes before the step has begun shows nothing
        deadline *= 3
        code, out = await ci.shell(f"sleep 30 & echo $! > {pid}; wait", tmp_path, deadline=deadline)
    assert code == 124
    assert "stopped after" in out
    await gone(int(pid.read_text()))


async def test_step_sees_only_a_clean_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    code, out = await ci.shell("env", tmp_path)
    assert code == 0
    assert "SECRET_OF_THE_HOST" not in out
    assert "CI=true" in out


@pytest.mark.parametrize(
    ("log", "place"),
    [
        ('  File "/w/app.py", line 3, in f', ("app.py", 3)),
        ("tests/test_app.py:7: AssertionError", ("tests/test_app.py", 7)),
        ("no place at all", (".github", 1)),
    ],
)
def test_annotation_stands_where_the_log_says(log, place):
    found = ci.annotations(log.strip(), "/w", "Test")
    assert (found[0]["path"], found[0]["start_line"]) == place


async def test_failure_has_conclusion_log_and_annotation_and_can_be_run_again(place, tmp_path):
    clone = await git.clone(place.bot, tmp_path / "clone")
    sha = await git.push(clone, "work", {"a": "b"})
    await place.hub.idle()
    runs = (await place.bot.json("GET", f"{REPO}/commits/{sha}/check-runs"))["check_runs"]
    assert [(run["conclusion"], run["app"]["slug"]) for run in runs] == [("failure", "github-actions")]
    notes = await place.bot.json("GET", f"{REPO}/check-runs/{runs[0]['id']}/annotations")
    assert (notes[0]["path"], notes[0]["start_line"]) == ("test.sh", 1)
    await place.bob.json("POST", f"{REPO}/check-runs/{runs[0]['id']}/rerequest", status=201)
    await place.hub.idle()
    assert (await place.bot.json("GET", f"{REPO}/commits/{sha}/check-runs?filter=all"))["total_count"] == 2
    assert place.inbox.names().count("check_suite.completed") == 2


async def test_workflow_that_is_not_yaml_fails_with_the_reason(place, tmp_path):
    clone = await git.clone(place.bot, tmp_path / "clone")
    sha = await git.push(clone, "work", {".github/workflows/ci.yml": "jobs: ["})
    await place.hub.idle()
    run = (await place.bot.json("GET", f"{REPO}/commits/{sha}/check-runs"))["check_runs"][0]
    assert "is not valid YAML" in run["output"]["text"]


async def test_link_to_a_log_expires(place, tmp_path):
    clone = await git.clone(place.bot, tmp_path / "clone")
    sha = await git.push(clone, "work", {"a": "b"})
    await place.hub.idle()
    run = (await place.bot.json("GET", f"{REPO}/commits/{sha}/check-runs"))["check_runs"][0]
    link = (await place.bot.get(f"{REPO}/actions/jobs/{run['id']}/logs")).headers["location"]
    assert (await place.anyone.get(link)).status_code == 200
    later = place.hub.world.now() + LINK_LIFE
    place.hub.world.clock = lambda: later
    assert (await place.anyone.get(link)).status_code == 404
