"""How much a record keeps of what was said."""

import json

import pytest

from runtime.redact import Redactor
from runtime.trail import MOST_DATA, MOST_TEXT, kept, line

OWN = "a-secret-of-our-own-5f3c"
redact = Redactor(secrets=[OWN])


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "x" * 480 + OWN,
        "ghp_" + "a1B2" * 9,
        "https://octo:hunter2secret@example.org/x",
        "Authorization: Bearer " + "a1b2c3d4" * 4,
        "GITHUB_TOKEN=abc123",
        'api-key: "abc 123"',
        '{"password": "abc123"}',
        "COOKIE=abc123",
    ],
)
def test_no_secret_gets_into_a_line(text):
    shown = line(text, redact)
    assert "[redacted]" in shown or len(text) > MOST_TEXT
    for secret in (OWN, OWN[:20], "ghp_a1B2", "hunter2", "a1b2c3d4", "abc123", "abc 123"):
        assert secret not in shown


@pytest.mark.parametrize(
    "key", ["token", "webhook_secret", "Authorization", "apiKey", "api_key", "privateKey", "COOKIE"]
)
def test_what_stands_under_the_name_of_a_secret_is_not_kept(key):
    assert kept({"a": [{key: "x", "n": 1}], key: ["y"]}, redact) == {
        "a": [{key: "[redacted]", "n": 1}], key: ["[redacted]"],
    }  # fmt: skip


def test_numbers_words_and_commits_stay_as_they_are():
    data = {"tokens": 12, "ok": True, "cost": 0.5, "none": None, "head_sha": "ab" * 20, "name": "größer", "empty": ""}
    assert kept(data, redact) == data
    assert line("app-1: working →  merged\n(merged)", redact) == "app-1: working → merged (merged)"


def test_long_texts_are_cut_and_too_much_data_is_dropped():
    assert kept({"text": "wort " * 200}, redact)["text"] == ("wort " * 200)[: MOST_TEXT - 1] + "…"
    assert list(kept({"many": ["wort " * 90] * 60}, redact)) == ["dropped"]
    assert len(json.dumps(kept({"some": ["wort " * 90] * 30}, redact))) < MOST_DATA


def test_what_is_neither_text_nor_number_is_kept_as_text():
    deep = {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "deep"}}}}}}}}
    assert "deep" in json.dumps(kept(deep, redact))
    assert kept({"path": ValueError("odd"), 5: "five", "half": "\ud800"}, redact) == {
        "path": "odd", "5": "five", "half": "\ud800",
    }  # fmt: skip
    assert kept({"half": "eine Hälfte \ud800 davon"}, redact) == {"half": "eine Hälfte ? davon"}
