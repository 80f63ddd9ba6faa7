"""Orchestrators as the interface starts and shows them."""

from types import SimpleNamespace

import pytest

from bot.api.operation import Unknown
from bot.service.orchestrators import Orchestrators
from bot.service.sessions import Sessions
from runtime.errors import WrongUse
from tests.fakes.hands import FakeTmux, FakeWorkspaces


@pytest.fixture
def orchestrators(bot, tmp_path):
    tmux = FakeTmux([])
    tmux.attach_command = lambda name: f"attach {name}"
    parts = SimpleNamespace(
        store=bot.store,
        projects=bot.projects,
        tmux=tmux,
        workspaces=FakeWorkspaces(tmp_path, []),
        hands=SimpleNamespace(forge=bot.forge),
    )
    return Orchestrators(parts, Sessions(parts))


async def test_orchestrator_works_from_the_branch_that_the_forge_names(bot, orchestrators):
    made = await orchestrators.start("app", fresh=False, by="me")
    assert (made.session.name, made.done) == ("app-orchestrator", "started")
    assert bot.session.base == "main"
    assert (await orchestrators.start("app", fresh=False, by="me")).done == "nothing"
    assert (await orchestrators.relaunch("app", by="me")).done == "relaunched"
    assert orchestrators.get("app").name == "app-orchestrator"


async def test_unknown_project_is_told_which_there_are(orchestrators):
    with pytest.raises(WrongUse, match="no project 'other'; there are: app"):
        await orchestrators.start("other", fresh=False, by="me")
    with pytest.raises(Unknown, match="ao orchestrator start -p app"):
        orchestrators.get("app")
