"""Whether a delivery really comes from GitHub.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hmac
import re
from collections.abc import Sequence

HEADER = b"x-hub-signature-256"
SHORTEST = 16

_FORM = re.compile(rb"sha256=([0-9a-f]{64})")


class Secrets:
    """The webhook secrets that are valid now; more than one while a secret is being replaced.

    Raises:
        ValueError: there is none, or one is shorter than 16 bytes.

    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or min(map(len, secrets)) < SHORTEST:
            raise ValueError(f"at least one webhook secret is needed, each of {SHORTEST} characters or more")
        self._secrets = tuple(secrets)

    def verify(self, header: bytes | None, body: bytes) -> int | None:
        """Return the index of the secret that signed `body`, or None when none did.

        Only `sha256=` and 64 lower-case hex digits count; the older sha1 header is never looked at.
        """
        found = _FORM.fullmatch(header or b"")
        if found is None:
            return None
        for index, secret in enumerate(self._secrets):
            if hmac.compare_digest(hmac.digest(secret, body, "sha256").hex().encode(), found[1]):
                return index
        return None
