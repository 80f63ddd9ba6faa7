"""What may leave."""

from pathlib import Path

import pytest

from runtime.code_blocks import closed
from runtime.redact import MOST, Redactor, shortened

SECRETS = {
    "old installation token": "ghs_" + "a1B2" * 9,
    "new installation token": "ghs_123456_" + "a" * 200 + "." + "B" * 250 + "." + "c-_" * 20,
    "classic token": "ghp_" + "a1B2" * 9,
    "fine-grained token": "github_pat_11ABCDEFG0" + "a1B2_" * 14,
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----",
    "half a pem": "-----BEGIN PRIVATE KEY-----\nMIIEow\nabc=",
    "model key": "sk-ant-api03-" + "x1Y2" * 10,
    "slack": "xoxb-1234567890-abcdefghij",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123-_x",
    "bearer": "Authorization: Bearer abcdef0123456789abcdef",
    "url password": "https://alice:hunter2@example.org/x",
    "url token": "https://x-access-token:s3cr3t@github.com/o/r.git",
    "gitlab": "glpat-" + "a1B2c3D4e5" * 2,
    "stripe": "sk_live_" + "a1B2c3D4e5F6" * 2,
    "sendgrid": "SG." + "a" * 22 + "." + "b" * 43,
    "webhook secret": "our-own-webhook-secret",
}  # fmt: skip
redact = Redactor(
    secrets=["our-own-webhook-secret", "short"],
    data_dir=Path("/srv/ao"),
    home=Path("/home/alice"),
    mention="gardener",
)


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_taken_out_wherever_they_stand(name):
    secret = SECRETS[name]
    out = redact(f"before `{secret}` after\n{secret}")
    assert "[redacted]" in out
    assert out.startswith("before `") or name == "half a pem"
    longest = max(secret.replace("@", " ").replace("/", " ").split(), key=len)
    assert longest.split(":")[-1] not in out


@pytest.mark.parametrize(
    "text",
    [
        "a short word, 9b14c32 and 9b14c32aa0fd9b14c32aa0fd9b14c32aa0fd9b14",
        "see https://github.com/o/r/pull/7#discussion_r12 and src/app.py:12",
        "the task-runner, sk-learn and a bearer of good news brings tokens",
        "token authentication is done in bot/github/credentials.py",
        "mail bob@gardener.example, @gardeners and @gardener-two",
        "the sha256 of it: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("/srv/ao/worktrees/app/app-1/src/x.py:3", "src/x.py:3"),
        ("in /srv/ao/worktrees/app/app-1", "in ."),
        ("/srv/ao/ao.db.", "[data]/ao.db."),
        ("/srv/aorta", "/srv/aorta"),
        ("/home/alice/.ssh/id", "~/.ssh/id"),
        ("/home/alice.", "~."),
        ("/home/alicette", "/home/alicette"),
    ],
)
def test_places_on_this_machine_are_not_named(text, out):
    assert redact(text) == out


def test_our_own_name_is_not_called():
    assert redact("ask @gardener or @Gardener, or @gardener[bot]!") == "ask gardener or Gardener, or gardener[bot]!"


def test_our_marker_cannot_be_forged():
    assert "<!-- ao:" not in redact("x <!-- ao:comment:k --> y <!--ao:comment:k -->")


def test_redacting_twice_changes_nothing_more():
    once = redact("\n".join(SECRETS.values()))
    assert redact(once) == once


def test_long_text_is_cut_to_what_github_takes():
    out = redact("```\n" + "x\n" * MOST)
    assert len(out) <= MOST
    assert out.endswith("```\n\n… (shortened)")


@pytest.mark.parametrize("length", [99, 100, 101])
def test_a_cut_is_made_only_where_needed(length):
    out = shortened("y" * length, 100)
    assert len(out) <= 100
    assert (out == "y" * length) is (length <= 100)


@pytest.mark.parametrize("fence", ["```", "~~~", "`````", "~" * 60, "`" * 200])
@pytest.mark.parametrize("most", [100, 120, 121, 122, 500])
def test_a_cut_closes_the_block_with_a_fence_of_its_kind_and_stays_within_the_limit(fence, most):
    out = shortened(f"{fence}python\n" + "x = '```'\n" * 99, most)
    assert len(out) <= most
    assert closed(out) == out
    assert out.endswith("\n\n… (shortened)")


def test_a_home_at_the_root_hides_nothing():
    assert Redactor(home=Path("/"))("/etc/hosts") == "/etc/hosts"
