"""Projects: what their settings mean."""

import pytest
from pydantic import ValidationError

from runtime.project import Times, default_prefix
from tests.fakes.bot import a_project


@pytest.mark.parametrize(
    ("written", "meant"), [("60s", 60), ("5m", 300), ("1h", 3600), (" 1.5m ", 90), (0, 0), (12.5, 12.5)]
)
def test_durations_are_seconds(written, meant):
    assert Times(idle_after=written).idle_after == meant


@pytest.mark.parametrize("written", ["5", "5 minutes", "-5s", "", -1, "1d", None, [5]])
def test_bad_durations_are_refused(written):
    with pytest.raises(ValidationError):
        Times(idle_after=written)


@pytest.mark.parametrize(
    ("id", "prefix"),
    [
        ("app", "app"), ("Web1", "web1"), ("a_b", "a-b"), ("my-app", "ma"), ("PyTorch", "pt"), ("integrator", "int"),
        ("agent-orchestrator", "ao"), ("snake_case_name", "scn"), ("MyApp", "ma"), ("Single", "sin"),
    ],
)  # fmt: skip
def test_prefix_derives_from_the_id_as_the_reference_says(id, prefix):
    assert default_prefix(id) == prefix


@pytest.mark.parametrize(
    ("label", "agent"),
    [
        ("agent", "scripted"), ("agent:codex", "codex"), ("agent:", ""), ("Agent", None), ("agents", None),
        ("agent:working", None), ("agent:needs-input", None), ("agent:done", None), ("bug", None),
    ],
)  # fmt: skip
def test_labels_name_agents(label, agent):
    assert a_project().agent_for_label(label) == agent


@pytest.mark.parametrize("repo", ["octo", "octo/app.git", "https://github.com/octo/app", "octo/app/x", "-o/app", ""])
def test_only_owner_and_name_are_a_repository(repo):
    with pytest.raises(ValidationError):
        a_project(repo=repo)


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError):
        a_project(colour="red")
