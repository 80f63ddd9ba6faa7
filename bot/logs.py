"""Logs for people (`text`) or machines (`json`): a fixed message and the ids it is about."""

import json
import logging
from typing import Any

_PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


def set_up_logs(level: str, form: str) -> None:
    """Send the service's logs to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("alembic", "aiohttp", "uvicorn", "asyncio", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _about(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _PLAIN}


def _escaped(text: str) -> str:
    r"""Write what steers a terminal or begins another line as `\x1b`: others' words reach the log too."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _below(text: str) -> str:
    return "\n".join(f"  {_escaped(line)}" for line in text.split("\n"))


class _Text(logging.Formatter):
    """One line: time, level, message, then the ids as `key=value`; a traceback is indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line."""
        about = " ".join(f"{key}={value}" for key, value in _about(record).items())
        return _escaped(f"{super().formatMessage(record)}  {about}".rstrip())

    def formatException(self, ei: Any) -> str:
        """Return the traceback."""
        return _below(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        """Return the stack."""
        return _below(super().formatStack(stack_info))


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        line = {"at": round(record.created, 3), "level": record.levelname.lower(), "logger": record.name}
        line |= {"message": record.getMessage(), **_about(record)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
