"""How Codex is started and understood."""

import tomllib

import pytest

from runtime.agents import Task
from runtime.agents.codex import AGENT
from runtime.errors import UserError
from runtime.launch import LaunchPlace
from runtime.pushes import Blocked


@pytest.fixture
def settings(tmp_path):
    """Returns a function that prepares a launch and returns what its -c flags say."""
    program, place = tmp_path / "codex", LaunchPlace(tmp_path / "la unch")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    place.open()

    def prepare(config=None, **env):
        home = tmp_path / ".codex"
        home.mkdir(exist_ok=True)
        if config is not None:
            (home / "config.toml").write_text(config)
        known = {"HOME": str(tmp_path), "PATH": str(tmp_path), **env}
        task = Task(session="s", prompt="Go", worktree=tmp_path / 'it"s', repository=tmp_path, env=known)
        argv = AGENT.prepare(place, task).argv
        given = [argv[at + 1] for at, word in enumerate(argv) if word == "-c"]
        return tomllib.loads("\n".join(given))

    return prepare


def test_without_login_and_key_it_says_what_to_do(settings):
    with pytest.raises(UserError, match="run `codex login` once as this user"):
        settings()


def test_key_of_the_project_is_used_through_a_provider_of_ours(settings):
    given = settings(OPENAI_API_KEY="k", OPENAI_BASE_URL="http://localhost/v1")
    assert given["model_provider"] == "ao"
    assert given["model_providers"]["ao"]["base_url"] == "http://localhost/v1"
    assert given["model_providers"]["ao"]["env_key"] == "OPENAI_API_KEY"


@pytest.mark.parametrize("config", ['model_provider = "mine"', 'cli_auth_credentials_store = "keyring"'])
def test_login_or_provider_of_the_user_is_left_alone(settings, config):
    assert "model_provider" not in settings(config)


def test_broken_configuration_is_named(settings):
    with pytest.raises(UserError, match=r"config\.toml is not TOML"):
        settings("x = ", OPENAI_API_KEY="k")


def test_worktree_is_trusted_and_hooks_are_ours(settings, tmp_path):
    given = settings(OPENAI_API_KEY="k")
    assert given["projects"] == {str(tmp_path / 'it"s'): {"trust_level": "trusted"}}
    stop = given["hooks"]["Stop"][0]["hooks"][0]
    assert given["allow_login_shell"] is False
    assert stop == {"type": "command", "command": f"'{tmp_path}/la unch/hook' Stop"}


def test_error_of_a_turn_is_read_from_what_it_records():
    done = {"type": "event_msg", "payload": {"type": "task_complete", "error": {"message": "overloaded"}}}
    assert AGENT.push_from_hook(done) == Blocked(error="overloaded")
    assert AGENT.push_from_hook({"type": "event_msg", "payload": {"type": "task_complete", "error": None}}) is None
