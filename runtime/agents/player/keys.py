"""What a person or tmux typed, taken apart into text, pastes and keys."""

import codecs
import re

PASTE, PASTE_END = b"\x1b[200~", b"\x1b[201~"
NAMES = {0x0D: "Enter", 0x15: "C-u", 0x03: "C-c", 0x7F: "Backspace", 0x08: "Backspace"}
_SEQUENCE = re.compile(rb"\x1b(\[[0-9;?<=>]*[ -/]*[@-~]|O[@-~])")
_CURSOR = re.compile(rb"\x1b\[\d+;\d+R")
_TEXT = re.compile(rb"[^\x00-\x08\x0b-\x1f\x7f]+")


class Keys:
    """Decodes a terminal's byte stream; bytes that may still grow into something else are held back."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._pasting = False
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def undecided(self) -> bool:
        """A lone Escape was read, which could also begin a sequence."""
        return not self._pasting and self._bytes[:1] == b"\x1b"

    def escape(self) -> list[tuple[str, str]]:
        """Nothing followed: it was the Escape key."""
        del self._bytes[:1]
        return [("key", "Escape"), *self.feed(b"")]

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """Return `(kind, value)` for all that is complete; kinds are text, paste, key and seen."""
        self._bytes += data
        found = []
        while self._bytes:
            item = self._paste() if self._pasting else self._one()
            if item is None:
                break
            if item[1]:
                found.append(item)
        return found

    def _paste(self) -> tuple[str, str] | None:
        end = self._bytes.find(PASTE_END)
        if end < 0:
            return None
        text = bytes(self._bytes[:end]).decode("utf-8", "replace")
        del self._bytes[: end + len(PASTE_END)]
        self._pasting = False
        return "paste", text.replace("\r\n", "\n").replace("\r", "\n")

    def _one(self) -> tuple[str, str] | None:
        if self._bytes[0] == 0x1B:
            return self._sequence()
        if text := _TEXT.match(self._bytes):
            value = self._text.decode(text[0])
            del self._bytes[: text.end()]
            return "text", value
        key = NAMES.get(self._bytes[0], "")
        del self._bytes[:1]
        return "key", key

    def _sequence(self) -> tuple[str, str] | None:
        if self._bytes.startswith(PASTE):
            del self._bytes[: len(PASTE)]
            self._pasting = True
            return "key", ""
        sequence = _SEQUENCE.match(self._bytes)
        if sequence is None:
            return None
        found = sequence[0]  # a match shows what its bytes are now, not what they were
        del self._bytes[: sequence.end()]
        return ("seen", "cursor") if _CURSOR.fullmatch(found) else ("key", "")
