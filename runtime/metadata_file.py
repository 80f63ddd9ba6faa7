"""The text of a session's metadata file: flat `key=value` lines, written so that any text survives, read tolerantly."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping

import msgspec

LONGEST_VALUE = 4000
REMEMBERED = 16
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG = {written: meant for meant, written in _SHORT.items()}
_ESCAPED = re.compile(r"\\(?:[\\nrt]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

BINARY = "this is no text"
NO_PAIR = "not key=value"
BAD_KEY = "a key is a letter and up to 63 letters, digits, dots, dashes and underscores"
NOT_UTF8 = "not UTF-8"
TOO_LONG = f"longer than {LONGEST_VALUE} characters"
NO_CHARACTER = "an escape that stands for no character"


class Problem(msgspec.Struct, frozen=True):
    """A line that is not taken, and why."""

    line: str
    why: str


def render(lines: Mapping[str, str]) -> bytes:
    """Return the file of these values; empty ones are left out."""
    return "".join(f"{key}={_escape(value)}\n" for key, value in lines.items() if value).encode()


def parse(data: bytes) -> tuple[dict[str, str], list[Problem]]:
    """Return the values that stand in a file, of a key that stands there twice the last, and the lines that do not."""
    if b"\0" in data:
        return {}, [Problem("", BINARY)]
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for raw in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        read = _pair(raw.rstrip(b"\r"))
        if isinstance(read, Problem):
            problems.append(read)
        elif read is not None:
            values[read[0]] = read[1]
    return values, problems


def _pair(raw: bytes) -> tuple[str, str] | Problem | None:
    if not raw.strip():
        return None
    shown = raw[:80].decode(errors="replace")
    try:
        key, equals, value = raw.decode().partition("=")
        value = _ESCAPED.sub(_meant, value)
        value.encode()
    except UnicodeDecodeError:
        return Problem(shown, NOT_UTF8)
    except ValueError:
        return Problem(shown, NO_CHARACTER)
    why = NO_PAIR if not equals else BAD_KEY if not _KEY.fullmatch(key.strip()) else ""
    why = why or (TOO_LONG if len(value) > LONGEST_VALUE else "")
    return Problem(shown, why) if why else (key.strip(), value)


def _escape(value: str) -> str:
    return "".join(_SHORT.get(char) or (_numbered(char) if _is_unseen(char) else char) for char in value)


def _is_unseen(char: str) -> bool:
    return (not char.isascii() and unicodedata.category(char) in _UNSEEN) or char < " " or char == "\x7f"


def _numbered(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _meant(found: re.Match[str]) -> str:
    text = found[0]
    return _LONG.get(text) or chr(int(text[2:], 16))


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written last, and by what the versions before it differed: to know what somebody has changed."""

    lines: dict[str, str] = {}
    hashes: tuple[str, ...] = ()
    """Of the versions, the newest first."""
    back: tuple[dict[str, str], ...] = ()
    """What to change to get from one version to the one before it; an empty value takes a key away."""

    def then(self, lines: Mapping[str, str], data: bytes | None = None) -> "Written":
        """Return what is known once these values stand in the file, too; as `data` if not as we would write them."""
        kept = {key: value for key, value in lines.items() if value}
        keys = self.lines.keys() | kept.keys()
        undo = {key: self.lines.get(key, "") for key in sorted(keys) if self.lines.get(key, "") != kept.get(key, "")}
        back = (undo, *self.back)[: REMEMBERED - 1] if self.hashes else ()
        return Written(
            lines=kept, hashes=(digest(render(kept) if data is None else data), *self.hashes)[:REMEMBERED], back=back
        )

    def is_own(self, data: bytes) -> bool:
        """Tell whether we wrote this, now or some versions ago."""
        return digest(data) in self.hashes

    def changed_in(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values that somebody changed, seen from the version that they began with: the most alike one.

        A line that is missing says nothing.
        """
        changes = [
            {key: value for key, value in values.items() if value != version.get(key, "")}
            for version in self._versions()
        ]
        return min(changes, key=len)

    def _versions(self) -> Iterator[dict[str, str]]:
        version = dict(self.lines)
        yield version
        for undo in self.back:
            version = {key: value for key, value in {**version, **undo}.items() if value}
            yield version


def digest(data: bytes) -> str:
    """Return what tells one content from another."""
    return hashlib.sha256(data).hexdigest()[:32]
