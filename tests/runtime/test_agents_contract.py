"""What every agent's adapter keeps to; the program itself is not started, a stand-in is found in its place."""

import stat
from pathlib import Path

import msgspec
import pytest

from runtime import agents
from runtime.errors import UserError
from runtime.launch import LaunchPlace
from runtime.pushes import Push

ALL = sorted(agents.load())
PROGRAMS = {"claude-code": "claude", "codex": "codex"}
EVENTS = (
    "UserPromptSubmit",
    "PermissionRequest",
    "PostToolUse",
    "Stop",
    "StopFailure",
    "Interrupt",
    "SessionStart",
    "x",
)
ODD = (None, 5, "", "x", [], [1], [{}], {}, {"text": 1}, {"questions": "x"}, {"questions": [{"question": 3}]})


@pytest.fixture(params=ALL)
def agent(request):
    return agents.named(request.param)


class Stand:
    """A place to launch from, a worktree, a repository and a home; programs that do nothing are on PATH."""

    def __init__(self, root: Path) -> None:
        self.root, self.place, self.home = root, LaunchPlace(root / "launch"), root / "home"
        for name in ("home", "worktree", "repo.git", "bin"):
            (root / name).mkdir()
        for program in PROGRAMS.values():
            (root / "bin" / program).write_text("#!/bin/sh\n")
            (root / "bin" / program).chmod(0o755)
        (root / "script.toml").write_text("")
        self.place.open()
        self.env = {"HOME": str(self.home), "PATH": str(root / "bin"), "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}

    def task(self, prompt: str = "Do it.", **wishes: object) -> agents.Task:
        known = {
            "session": "s-1", "prompt": prompt, "worktree": self.root / "worktree",
            "repository": self.root / "repo.git", "env": self.env, "script": self.root / "script.toml",
        }  # fmt: skip
        return agents.Task(**{**known, **wishes})


@pytest.fixture
def stand(tmp_path):
    return Stand(tmp_path)


def test_agent_goes_by_its_own_name(agent):
    assert agents.named(agent.name) is agent


def test_unknown_agent_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match="claude-code, codex, scripted"):
        agents.named("cursor")


@pytest.mark.parametrize("name", PROGRAMS)
def test_missing_program_says_how_to_install_it(name, stand):
    (stand.root / "bin" / PROGRAMS[name]).unlink()
    with pytest.raises(UserError, match=f"`{PROGRAMS[name]}` is not on PATH: install it with npm install -g"):
        agents.named(name).prepare(stand.place, stand.task())


def test_nothing_is_written_into_worktree_or_repository(agent, stand):
    agent.prepare(stand.place, stand.task())
    assert list((stand.root / "worktree").iterdir()) == list((stand.root / "repo.git").iterdir()) == []


def test_what_is_written_for_it_only_the_user_can_read(agent, stand):
    agent.prepare(stand.place, stand.task())
    assert {stat.S_IMODE(path.stat().st_mode) for path in stand.place.directory.iterdir()} <= {0o600, 0o700}


def test_preparing_twice_says_the_same(agent, stand):
    assert agent.prepare(stand.place, stand.task()) == agent.prepare(stand.place, stand.task())


@pytest.mark.parametrize("prompt", ["/quit", "!rm -rf /", "a\x1b[2Jb\x00c", "x" * 300_000, "ü" * 100_000, "a\u202eb"])
def test_any_task_can_be_an_argument_and_is_no_command(agent, stand, prompt):
    launch = agent.prepare(stand.place, stand.task(prompt))
    assert all(len(word.encode()) < 128 * 1024 and "\0" not in word and "\x1b" not in word for word in launch.argv)
    if launch.prompt is not None:
        assert launch.argv[-1] == launch.prompt
        assert not launch.prompt.startswith(("/", "!", "#", "-"))


@pytest.mark.parametrize("event", EVENTS)
def test_hooks_of_any_shape_are_survived(agent, event):
    fields = ("prompt", "tool_name", "tool_input", "last_assistant_message", "error", "payload", "message", "type")
    for odd in ODD:
        meant = agent.push_from_hook({"hook_event_name": event, **dict.fromkeys(fields, odd)})
        assert meant is None or isinstance(meant, Push)
        msgspec.json.encode(meant)
