"""The programs that agents' hooks call, run as an agent runs them."""

import json
import os
import shlex
import subprocess
import time

import pytest

from runtime.agents import hooked
from runtime.launch import LaunchPlace
from tests.waiting import json_lines


@pytest.fixture
def place(tmp_path):
    place = LaunchPlace(tmp_path / "it's here")
    place.open()
    return place


@pytest.fixture
def hook(place):
    """Returns a function that calls a hook with a body and returns all that was pushed so far."""
    command = hooked.put_hook(place)

    def call(event, body):
        text = json.dumps({"hook_event_name": event, **body}, separators=(",", ":"))
        subprocess.run(f"{command} {event}", shell=True, input=text, text=True, check=True)
        return [json.loads(line)["hook"] for line in place.pushes.read_text().splitlines()]

    return call


def test_hook_is_pushed_as_it_is(hook):
    assert hook("Stop", {"last_assistant_message": 'a\n"b" \\ü'})[-1]["last_assistant_message"] == 'a\n"b" \\ü'


def test_use_of_a_tool_is_pushed_only_after_a_question_and_without_its_answer(hook):
    used = {"tool_name": "Bash", "tool_input": {"command": 'echo ",\\"tool_response\\":"'}}
    answered = {**used, "tool_response": {"stdout": "x" * 100_000}, "tool_use_id": "t"}
    assert hook("PostToolUse", answered) == []
    hook("PermissionRequest", used)
    assert hook("PostToolUse", answered)[1:] == [{"hook_event_name": "PostToolUse", **used}]
    hook("Stop", {})
    assert len(hook("PostToolUse", answered)) == 3


def test_hook_succeeds_when_its_place_is_gone(place):
    command = hooked.put_hook(place)
    (place.directory / "push").unlink()
    for event in ("SessionStart", "PermissionRequest", "PostToolUse", "Stop"):
        assert subprocess.run(f"{command} {event}", shell=True, input="{}", text=True, stderr=-3).returncode == 0


@pytest.mark.parametrize("earlier", ["", '{"bad":true,"n":0}\n'])
def test_transcript_named_by_the_first_hook_is_followed_from_there_for_a_pattern(place, tmp_path, earlier):
    transcript = tmp_path / "transcript.jsonl"
    if earlier:
        transcript.write_text(earlier)
    first = json.dumps({"hook_event_name": "SessionStart", "transcript_path": str(transcript)})
    agent = f"""echo {shlex.quote(first)} | {hooked.put_hook(place)} SessionStart
    printf '%s\\n' '{{"bad":false}}' '{{"bad":true,"n":1}}' >>{shlex.quote(str(transcript))}
    exec sleep 60"""
    program = subprocess.Popen([*hooked.put_follower(place, '"bad":true'), "sh", "-c", agent], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not (pushed := json_lines(place.pushes)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert [one["hook"] for one in pushed] == [{"bad": True, "n": 1}]
    finally:
        os.killpg(program.pid, 15)
        program.wait()
