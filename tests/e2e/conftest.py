"""The stories are played by real processes, which are not measured: what they cover is covered elsewhere, for less."""

import pytest


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch, no_cover: None) -> None:
    """Do without coverage, which takes longer than most commands of `ao` and makes a test two thirds slower."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
