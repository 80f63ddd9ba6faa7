"""The demo's whole story, from label to merge, with a real agent whose model plays the demo's script."""

import os
import shlex
import shutil
import tempfile
import tomllib
from pathlib import Path

import pytest

from bot.demo import project
from bot.demo.acts import ACTS, Story
from bot.demo.stage import stage
from tests.agents.conftest import PACKAGES, program

ADD = "import pathlib,sys; p=pathlib.Path(sys.argv[1]); p.write_text(p.read_text()+sys.argv[2])"
REPLACE = "import pathlib,sys; p=pathlib.Path(sys.argv[1]); p.write_text(p.read_text().replace(*sys.argv[2:]))"


def as_command(action):
    """An action of the scripted agent as a shell command, or None where it only says something."""
    match action:
        case {"append_file": {"path": path, "content": content}}:
            return shlex.join(["python3", "-c", ADD, path, content])
        case {"replace": {"path": path, "old": old, "new": new}}:
            return shlex.join(["python3", "-c", REPLACE, path, old, new])
        case {"commit": message}:
            return f"git add -A && git commit -qm {shlex.quote(message)}"
        case {"push": _}:
            return "git push origin HEAD"
        case {"pull_request": {"title": title, "body": body}}:
            return shlex.join(["gh", "pr", "create", "--title", title, "--body", body])
        case {"shell": command}:
            return command
        case _:
            return None


def steps():
    """The demo's script for a model: one tool call for all commands of a rule, then its last words."""
    for rule in tomllib.loads(project.SCRIPT.read_text())["rule"]:
        commands = [command for action in rule["actions"] if (command := as_command(action))]
        last = [action["say"] for action in rule["actions"] if "say" in action][-1]
        yield rule["match"], [{"shell": " && ".join(commands)}, {"say": last}]


@pytest.fixture
def root():
    root = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("name", PACKAGES)
async def test_story_is_played_from_label_to_merge(model, monkeypatch, root, name):
    (root / "bin").mkdir()
    (root / "bin" / PACKAGES[name][1]).symlink_to(program(name))
    (root / ".codex").mkdir()
    (root / ".codex" / "config.toml").write_text('model = "gpt-5.2-codex"\n')
    address = await model(list(steps()))
    for variable, value in {
        "HOME": str(root), "PATH": f"{root}/bin:{os.environ['PATH']}", "ANTHROPIC_API_KEY": "sk-ant-made-up-for-this",
        "ANTHROPIC_BASE_URL": address, "OPENAI_API_KEY": "made-up", "OPENAI_BASE_URL": f"{address}/v1",
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, value)
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    async with stage(root / "demo", agent=name) as set_up:
        story = Story(set_up, patience=90.0)
        for _, act in ACTS:
            await act(story)
