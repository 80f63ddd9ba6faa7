"""What the documents show is what is shown."""

import shutil

import pytest

from tests.e2e.examples import DOCUMENTS, differs, examples, shape, shell


async def test_the_documents_show_what_a_running_service_shows():
    found = [example for document in DOCUMENTS for example in examples(document)]
    assert len(found) > 20
    wrong = []
    async with shell() as typed:
        for example in found:
            if "jq " in example.command and shutil.which("jq") is None:
                continue
            wrong.append(differs(example, await typed.type(example.command)))
    assert not any(wrong), "\n".join([*filter(None, wrong), "renew them: python -m tests.e2e.examples"])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("app-1  3s ago\n", "app-1 12m ago"),
        ("at 10:02:53 f9efdad", "at 23:59:59 a744a91"),
        ("one app-1", "one app-1 "),
    ],
)
def test_only_what_varies_from_run_to_run_is_left_out_of_the_comparison(text, same):
    assert shape(text) == shape(same)


@pytest.mark.parametrize(("text", "other"), [("app-1 failed", "app-1 passed"), ("2 sessions", "3 sessions"), ("a", "")])
def test_everything_else_is_compared(text, other):
    assert shape(text) != shape(other)
