"""How Claude Code is started and understood."""

import json
import os
import time

import pytest

from runtime.agents import claude_home
from runtime.agents.claude_code import AGENT
from runtime.errors import Retryable, UserError
from runtime.pushes import Prompt, Ready, Waiting


@pytest.fixture
def home(tmp_path):
    (tmp_path / "repo.git").mkdir()
    return tmp_path


def known(home):
    return json.loads((home / ".claude.json").read_text())


def prepare(home, **env):
    claude_home.prepare({"HOME": str(home), **env}, home / "repo.git")


def test_without_login_and_key_it_says_what_to_do(home):
    with pytest.raises(UserError, match="run `claude` once as this user and log in"):
        prepare(home)
    assert not (home / ".claude.json").exists()


def test_key_of_the_project_is_approved_by_its_end_once(home):
    for _ in range(2):
        prepare(home, ANTHROPIC_API_KEY="sk-ant-0123456789abcdefghijkl")
    assert known(home)["customApiKeyResponses"]["approved"] == ["23456789abcdefghijkl"]
    assert known(home)["hasCompletedOnboarding"] is True


def test_what_the_user_has_answered_stays_and_the_repository_is_trusted(home):
    mine = {"hasCompletedOnboarding": True, "theme": "light", "projects": {"/x": {"history": [1]}}, "odd": "ü"}
    (home / ".claude.json").write_text(json.dumps(mine))
    prepare(home)
    trusted = {"/x": {"history": [1]}, str(home / "repo.git"): {"hasTrustDialogAccepted": True}}
    assert known(home) == {**mine, "projects": trusted}


def test_file_with_all_answers_is_not_written(home):
    answers = {"hasCompletedOnboarding": True, "theme": "x", "projects": {}}
    answers["projects"] = {str(home / "repo.git"): {"hasTrustDialogAccepted": True}}
    (home / ".claude.json").write_text(json.dumps(answers))
    before = (home / ".claude.json").stat()
    prepare(home)
    assert (home / ".claude.json").stat() == before


def test_linked_file_stays_a_link(home):
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "c.json").write_text('{"hasCompletedOnboarding": true}')
    (home / ".claude.json").symlink_to(home / "dotfiles" / "c.json")
    prepare(home)
    assert (home / ".claude.json").is_symlink()
    assert "projects" in json.loads((home / "dotfiles" / "c.json").read_text())


def test_held_lock_is_waited_for_and_an_abandoned_one_is_taken(home, monkeypatch):
    monkeypatch.setattr(claude_home, "LOCK_WITHIN", 0.05)
    lock = home / ".claude.json.lock"
    lock.mkdir()
    with pytest.raises(Retryable, match="is held by another program"):
        prepare(home, ANTHROPIC_API_KEY="k")
    os.utime(lock, (time.time() - 60, time.time() - 60))
    monkeypatch.setattr(claude_home, "LOCK_WITHIN", 0.0)  # however late it is by then
    prepare(home, ANTHROPIC_API_KEY="k")
    assert not lock.exists()


def test_broken_file_is_left_alone(home):
    (home / ".claude.json").write_text("{")
    with pytest.raises(UserError, match="is not JSON"):
        prepare(home, ANTHROPIC_API_KEY="k")
    assert (home / ".claude.json").read_text() == "{"


def test_mark_around_pasted_text_is_no_part_of_the_prompt():
    pasted = '\n\n<pasted_content id="b7cd">\nhello </pasted_content id="1">\n</pasted_content id="b7cd">\n'
    meant = AGENT.push_from_hook({"hook_event_name": "UserPromptSubmit", "prompt": pasted})
    assert isinstance(meant, Prompt)
    assert meant.text.split() == ["hello", "</pasted_content", 'id="1">']


def test_interruption_is_read_from_the_transcript():
    line = {"type": "user", "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}}
    assert AGENT.push_from_hook(line) == Ready()
    assert AGENT.push_from_hook({**line, "type": "assistant"}) is None


def test_question_of_the_agent_itself_is_what_is_waited_for():
    asked = {"questions": [{"question": "Which one?"}, {"question": "Why?"}]}
    hook = {"hook_event_name": "PermissionRequest", "tool_name": "AskUserQuestion", "tool_input": asked}
    assert AGENT.push_from_hook(hook) == Waiting(question="Which one?\nWhy?")
