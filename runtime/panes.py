"""What tmux says about panes, and the conditions under which nothing may be pasted into one."""

import shlex
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, get_args

import msgspec

PANE = (
    "#{session_name} #{pane_id} #{pane_pid} #{pane_dead} x#{pane_dead_status} x#{pane_dead_signal}"
    " #{pane_in_mode} #{pane_current_command}"
)


class Pane(msgspec.Struct, frozen=True):
    """One pane as tmux described it; `exit_code` and `signal` only when it is dead."""

    pane_id: str
    pid: int
    dead: bool
    exit_code: int | None
    signal: int | None
    in_mode: bool
    command: str


Outcome = Literal["pasted", "dead", "unready", "watched", "draft", "overtaken"]
"""`unready`: its program has not asked for bracketed paste (tmux before 3.6 cannot tell);
`overtaken`: what the caller had looked at has changed."""


class Paste(NamedTuple):
    """What came of a paste; nothing was typed unless it is `pasted`. `before` is the screen as it was."""

    outcome: Outcome
    before: str = ""


OVERTAKEN = Paste("overtaken")
Pressed = Literal["pressed", "dead", "overtaken"]
Still = Callable[[], bool]
"""Tells whether what somebody has looked at is still so."""


def always() -> bool:
    """Tell that it is still so."""
    return True


class Condition(msgspec.Struct, frozen=True):
    """What keeps a paste out, besides a dead pane; tested in the same tmux command that pastes."""

    watched: bool = False
    """Somebody is attached who may be typing."""
    empty_at: int | None = None
    """The column of the cursor in an empty composer: anywhere else a draft stands there."""

    def why(self) -> str:
        """Return a tmux format that expands to the outcome, or to nothing when the paste may go ahead."""
        reason = "" if self.empty_at is None else f"#{{?#{{!=:#{{cursor_x}},{self.empty_at}}},draft,}}"
        if self.watched:
            reason = f"#{{?session_attached,watched,{reason}}}"
        # An old tmux knows no bracket_paste_flag and expands it to nothing.
        return f"#{{?pane_dead,dead,#{{?#{{==:#{{bracket_paste_flag}},0}},unready,{reason}}}}}"


Anyway = Condition()


class Terminal(msgspec.Struct, frozen=True):
    """A session's terminal at one moment; `typed_at` is when somebody attached last pressed a key, whole seconds."""

    typed_at: float | None
    place: str
    """Where the cursor is: lines that have scrolled away, column, row. Whatever is shown above a composer moves it."""
    column: int
    line: str
    """The line that the cursor is on."""
    screen: str


class _Formats(NamedTuple):
    client: str
    cursor: str


_PLACE = "#{history_size} #{cursor_x} #{cursor_y}"
TERMINAL = _Formats("client #{client_readonly} #{client_activity}", f"cursor {_PLACE}")


def kept_out(place: str | None) -> str:
    """Return a tmux format that expands to why no key is pressed: a dead pane, or a cursor that has left its place."""
    moved = "" if place is None else f"#{{?#{{!=:{_PLACE},{place}}},overtaken,}}"
    return f"#{{?pane_dead,dead,{moved}}}"


def cancel_mode(pane: str) -> str:
    """Return the tmux command that leaves copy mode, if the pane is in it."""
    return f"if-shell -F -t {pane} '#{{pane_in_mode}}' 'send-keys -t {pane} -X cancel'"


def typing_of(pane: str, buffer: str, before: Sequence[str], after: Sequence[str]) -> str:
    """Return the tmux commands that show the screen, press `before`, paste the buffer, press `after`, and say so."""
    steps = [
        f"capture-pane -p -J -t {pane}",
        cancel_mode(pane),
        *([f"send-keys -t {pane} {shlex.join(before)}"] if before else []),
        f"paste-buffer -p -r -d -b {buffer} -t {pane}",
        *([f"send-keys -t {pane} {shlex.join(after)}"] if after else []),
        "display-message -p pasted",
    ]
    return " ; ".join(steps)


def pressed_of(said: Sequence[str]) -> Pressed:
    """Read what the guarded press printed."""
    return next((known for known in get_args(Pressed) if said and said[-1] == known), "dead")


def paste_of(said: Sequence[str]) -> Paste:
    """Read what the guarded paste printed: the screen before it, then the outcome."""
    outcome: Outcome = next((known for known in get_args(Outcome) if said and said[-1] == known), "dead")
    return Paste(outcome, "\n".join(said[:-1]))


def terminal_of(said: Sequence[str]) -> Terminal:
    """Read clients, cursor and screen."""
    clients = [line.split() for line in takewhile(lambda line: line.startswith("client "), said)]
    typed = [float(at) for _, read_only, at in clients if read_only == "0"]
    start = len(clients)
    place = said[start].partition(" ")[2]
    _, column, row = place.split()
    screen = said[start + 1 :]
    line = screen[int(row)] if int(row) < len(screen) else ""
    return Terminal(max(typed, default=None), place, int(column), line, "\n".join(screen))


def pane_of(line: str) -> tuple[str, Pane] | None:
    """Read one line of the listing: the session's name and its pane."""
    name, pane_id, pid, dead, code, signal, in_mode, command = [*line.split(" ", 7), ""][:8]
    if not pane_id.startswith("%"):
        return None
    ended = dead == "1"
    return name, Pane(pane_id, int(pid or 0), ended, _number(code), _number(signal), in_mode not in ("", "0"), command)


def _number(marked: str) -> int | None:
    return int(marked[1:]) if marked[1:].isdigit() else None
