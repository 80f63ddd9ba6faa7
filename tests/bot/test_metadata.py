"""The metadata files of the running service say what the listings say."""

from types import SimpleNamespace

import pytest

from bot.metadata import metadata_files
from tests.fakes.hands import FakeTmux, FakeWorkspaces


@pytest.fixture
def files(bot, tmp_path):
    did = []

    async def note(what, name):
        did.append((what, name))

    tmux = FakeTmux([])
    tmux.attach_command = lambda name: f"attach {name}"
    spaces = FakeWorkspaces(tmp_path, [])
    spaces.repository = lambda session: SimpleNamespace(admin=lambda worktree: tmp_path / "admin" / worktree.name)
    parts = SimpleNamespace(
        store=bot.store, projects=bot.projects, tmux=tmux, workspaces=spaces, hands=SimpleNamespace(forge=bot.forge),
        desk=SimpleNamespace(close=lambda name: note("close", name), open=lambda name: note("open", name)),
    )  # fmt: skip
    made = metadata_files(parts, tmp_path / "sessions")
    return SimpleNamespace(made=made, did=did)


async def test_session_that_is_not_listed_has_no_file(bot, files):
    await bot.starts()
    assert files.made._show("app-1").name == "app-1"
    assert files.made._show("app-9") is None


async def test_branch_is_the_one_the_worktree_is_on(bot, files, tmp_path):
    await bot.starts()
    assert files.made._head(bot.session) is None
    (tmp_path / "admin/app-1").mkdir(parents=True)
    (tmp_path / "admin/app-1/HEAD").write_text("ref: refs/heads/topic\n")
    assert files.made._head(bot.session) == "topic"


async def test_gate_is_opened_anew_for_another_branch(files):
    await files.made._branch_changed("app-1")
    assert files.did == [("close", "app-1"), ("open", "app-1")]
