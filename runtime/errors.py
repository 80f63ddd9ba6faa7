"""Everything that can go wrong on purpose.

AoError
├── UserError              a person can fix it; the text says how; shown once where they asked
│   ├── ConfigError        names the file or variable, the key and the value that would work
│   ├── WorkspaceMissing   a session cannot come back: its branch is gone; says what was kept of it
│   ├── NotAllowed         asked by somebody who may not
│   └── WrongUse           what was asked for makes no sense, whatever the state of things; exit 2
├── Retryable              try again later; carries `after`, in seconds
│   ├── ForgeBusy          rate limit, 5xx or no connection
│   └── StoreBusy          the journal cannot be written now
└── Permanent              will not get better; goes to the dead letters with its reason
├── GoneFromForge      404, 410 or 451 after two tries
├── ForgeRefused       any other 4xx: the request itself is wrong or not permitted
├── GitFailed          a git command of ours failed; carries its stderr
└── RuntimeFailure
└── TmuxUnavailable    tmux did not answer: nothing is known, nobody is dead
"""


class AoError(Exception):
    """Root of the tree; never raised itself."""


class UserError(AoError):
    """A person can fix this; `str(error)` says how."""


class ConfigError(UserError):
    """A setting is missing or wrong; the start stops with exit 2."""


class WorkspaceMissing(UserError):
    """A session's branch is gone, so that there is nothing to bring it back from."""


class NotAllowed(UserError):
    """Somebody asked for what they may not do."""


class WrongUse(UserError):
    """What was asked for can never be done; the command line ends with 2."""


class Retryable(AoError):
    """Worth another try after `after` seconds."""

    def __init__(self, message: str, *, after: float = 1.0) -> None:
        super().__init__(message)
        self.after = after


class ForgeBusy(Retryable):
    """The forge is limiting us, failing or unreachable."""


class StoreBusy(Retryable):
    """The journal cannot be written now."""


class Permanent(AoError):
    """Trying again would end the same way."""


class GoneFromForge(Permanent):
    """The object no longer exists or is out of reach."""


class ForgeRefused(Permanent):
    """The forge refused the request itself."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class GitFailed(Permanent):
    """A git command of ours failed."""

    def __init__(self, message: str, *, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


class RuntimeFailure(Permanent):
    """Something under an agent failed."""


class TmuxUnavailable(RuntimeFailure):
    """tmux did not answer, so nothing is known about any pane."""
