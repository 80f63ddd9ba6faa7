"""Texts of users as safe HTML, and times, emoji and states as a page shows them."""

from __future__ import annotations

import re
from datetime import datetime

from markdown_it import MarkdownIt
from markupsafe import Markup

EMOJI = {"+1": "👍", "-1": "👎", "laugh": "😄", "hooray": "🎉", "confused": "😕", "heart": "❤️", "rocket": "🚀",
         "eyes": "👀"}  # fmt: skip
MARKER = re.compile(r"<!--.*?-->", re.DOTALL)
NUMBER = re.compile(r"(?<![\w/#&])#(\d+)\b")
TASK = re.compile(r"<li>\[([ xX])\] ")
# Raw HTML is shown as text, except the folding that GitHub users know.
FOLD = re.compile(r"&lt;(/?)(details|summary)&gt;")
CODE = re.compile(r"(<pre>.*?</pre>|<code>.*?</code>)", re.DOTALL)
PARAGRAPHED = re.compile(r"<p>(\s*</?(?:details|summary)>.*?)</p>", re.DOTALL)

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def markdown(text: str | None, repository_url: str) -> Markup:
    """A user's text as HTML: hidden markers vanish, `#12` becomes a link, nothing else of theirs is HTML."""
    html = _markdown.render(MARKER.sub("", text or ""))
    parts = CODE.split(html)
    parts[::2] = [FOLD.sub(r"<\1\2>", part) for part in parts[::2]]
    html = PARAGRAPHED.sub(r"\1", "".join(parts))
    box = r'<li class="task"><span class="box \1" aria-hidden="true"></span>'
    html = TASK.sub(lambda match: box.replace(r"\1", "done" if match.group(1) in "xX" else "open"), html)
    parts = re.split(r"(<a .*?</a>|<code>.*?</code>|<[^>]+>)", html, flags=re.DOTALL)
    linked = [part if part.startswith("<") else _link(part, repository_url) for part in parts]
    return Markup("".join(linked))  # noqa: S704 - markdown-it escapes, html is off


def _link(text: str, repository_url: str) -> str:
    return NUMBER.sub(rf'<a href="{repository_url}/issues/\1">#\1</a>', text)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in the words of GitHub's pages."""
    seconds = max(int((now - moment).total_seconds()), 0)
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "now"


def ink(color: str) -> str:
    """Black or white, whichever can be read on a label's color."""
    try:
        red, green, blue = (int(color[at : at + 2], 16) for at in (0, 2, 4))
    except ValueError:
        return "#1f2328"
    return "#1f2328" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#ffffff"


def hunk_lines(hunk: str, keep: int = 4) -> list[tuple[str, str]]:
    """The last lines of a diff hunk, each with its kind: header, added, removed or context."""
    lines = hunk.splitlines()
    header, rest = lines[:1], lines[1:]
    kinds = {"+": "added", "-": "removed"}
    return [("header", line) for line in header] + [(kinds.get(line[:1], "context"), line) for line in rest[-keep:]]
