"""HTTP over a Unix socket: one request, or one stream of events."""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

_REFUSED = 400


class NotThere(OSError):
    """Nobody listens on the socket."""


class Refused(Exception):
    """The service answered with an error; carries its status and content."""

    def __init__(self, status: int, content: bytes) -> None:
        super().__init__(status)
        self.status, self.content = status, content


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError as error:
            raise NotThere(*error.args) from error


def ask(socket_path: Path, method: str, target: str, body: str | None, patience: float) -> tuple[int, bytes]:
    """Return status and content; raises NotThere, or another OSError when the answer fails."""
    connection = _Connection(socket_path, patience)
    content, headers = (None, {}) if body is None else (body.encode(), {"Content-Type": "application/json"})
    try:
        with contextlib.suppress(BrokenPipeError):  # a service that refuses does not read to the end, but answers
            connection.request(method, target, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def lines(socket_path: Path, target: str, headers: dict[str, str], patience: float) -> Iterator[bytes]:
    """Yield the lines of an answer as they come, until it ends.

    Raises `NotThere`, `Refused`, or another OSError, also when nothing comes for `patience` seconds.
    """
    connection = _Connection(socket_path, patience)
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        if answer.status >= _REFUSED:
            raise Refused(answer.status, answer.read())
        while line := answer.readline():
            yield line
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        connection.close()
