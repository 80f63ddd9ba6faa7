"""The last look at text before it leaves: secrets, places on this machine, and our own name are taken out."""

import re
from collections.abc import Iterable
from pathlib import Path

from runtime.code_blocks import closed
from runtime.published_shapes import published_shapes

MOST = 65_536  # https://docs.github.com/en/rest/issues/comments: "body is too long (maximum is 65536 characters)"
REDACTED = "[redacted]"
SHORTENED = "\n\n… (shortened)"

_SHAPES = (
    # GitHub's new tokens are about 520 characters with two dots:
    # https://github.blog/changelog/2026-04-27-installation-tokens-new-format/
    r"\bgh[pousr]_[A-Za-z0-9._-]{16,}[A-Za-z0-9_-]",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\bsk-[A-Za-z0-9_-]{16,}",
    r"\bxox[abposre]-[A-Za-z0-9-]{10,}",
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
)
_SECRET = re.compile("|".join(_SHAPES))
_BEARER = re.compile(
    r"(?i)\b((?:authorization:\s*)?(?:bearer|basic|token))\s+(?=[^\s]*[0-9._=])[A-Za-z0-9._~+/=-]{20,}"
)
_IN_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@")
_OUR_MARKER = re.compile(r"<!--\s*ao:")
_LONG_WORD = re.compile(r"[\w+/=.:-]{20,}")
_WORKTREE = r"/worktrees/[^/\s]+/[^/\s]+"
_ENDS_HERE = r"(?![\w-]|\.\w)"


class Redactor:
    """Makes text fit to be published; the same text always comes out the same, and twice changes nothing more."""

    def __init__(
        self, *, secrets: Iterable[str] = (), data_dir: Path | None = None, home: Path | None = None, mention: str = ""
    ) -> None:
        own = sorted((secret for secret in secrets if len(secret) >= 8), key=len, reverse=True)
        self._own = re.compile("|".join(map(re.escape, own))) if own else None
        self._places = [
            (re.compile(re.escape(str(place)) + inside), instead) for place, inside, instead in _places(data_dir, home)
        ]
        self.mention = mention

    def __call__(self, text: str, *, most: int = MOST) -> str:
        """Return what may leave, at most `most` characters of it."""
        if self._own:
            text = self._own.sub(REDACTED, text)
        text = without_secrets(text)
        for pattern, instead in self._places:
            text = pattern.sub(instead, text)
        return shortened(self._quiet(_OUR_MARKER.sub("<!-- ", text)), most)

    def _quiet(self, text: str) -> str:
        """Drop the @ before our own name, which would call ourselves."""
        if not self.mention:
            return text
        return re.sub(rf"(?i)(?<![\w/])@(?={re.escape(self.mention)}(?![\w-]))", "", text)


def _places(data_dir: Path | None, home: Path | None) -> list[tuple[Path, str, str]]:
    places: list[tuple[Path, str, str]] = []
    if data_dir is not None:
        places += [(data_dir, _WORKTREE + "/", ""), (data_dir, _WORKTREE, "."), (data_dir, _ENDS_HERE, "[data]")]
    if home is not None and len(home.parts) > 1:
        places.append((home, _ENDS_HERE, "~"))
    return places


def without_secrets(text: str) -> str:
    """Replace everything that has the shape of a credential."""
    text = _IN_URL.sub(rf"\1{REDACTED}@", _SECRET.sub(REDACTED, text))
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    if _LONG_WORD.search(text):
        for pattern in published_shapes():
            text = pattern.sub(REDACTED, text)
    return text


def shortened(text: str, most: int) -> str:
    """Cut text to `most` characters and say so, closing a code block that the cut left open."""
    if len(text) <= most:
        return text
    room = end = most - len(SHORTENED)
    while len(kept := closed(text[:end])) > room:
        end = max(0, end - (len(kept) - room))
    return kept + SHORTENED
