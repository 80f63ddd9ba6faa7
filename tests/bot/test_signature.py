"""Whose signature counts."""

import hashlib
import hmac
import random

import pytest

from bot.signature import Secrets

BODY = b"Hello, World!"
SECRET = b"It's a Secret to Everybody"
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
DIGEST = b"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_vector_of_the_documentation_verifies():
    assert Secrets([SECRET]).verify(b"sha256=" + DIGEST, BODY) == 0


def test_any_of_several_secrets_verifies_and_is_named():
    secrets = Secrets([b"the new secret, not in use yet", SECRET])
    assert secrets.verify(b"sha256=" + DIGEST, BODY) == 1


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        DIGEST,
        b"sha256=",
        b"sha256=" + DIGEST[:-1],
        b"sha256=" + DIGEST + b"0",
        b"sha256=" + DIGEST.upper(),
        b"SHA256=" + DIGEST,
        b" sha256=" + DIGEST,
        b"sha256=" + DIGEST + b"\n",
        b"sha256=\xc3\xa9" + DIGEST[2:],
        b"sha1=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest().encode(),
        b"sha256=" + hmac.new(SECRET, BODY, hashlib.sha1).hexdigest().encode(),
        b"sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest().encode(),
    ],
)
def test_anything_but_the_exact_form_is_refused(header):
    assert Secrets([SECRET]).verify(header, BODY) is None


def test_no_mutation_of_header_or_body_verifies():
    chance = random.Random(7)
    secrets, header = Secrets([SECRET]), b"sha256=" + DIGEST
    for _ in range(5000):
        changed = [bytearray(header), bytearray(BODY)]
        part = chance.choice(changed)
        part[chance.randrange(len(part))] ^= 1 << chance.randrange(8)
        assert secrets.verify(bytes(changed[0]), bytes(changed[1])) is None


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b"fifteen bytes.."]])
def test_missing_or_short_secrets_are_refused(secrets):
    with pytest.raises(ValueError, match="16 characters"):
        Secrets(secrets)
