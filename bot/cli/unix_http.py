"""One HTTP request over a Unix socket."""

import http.client
import socket
from pathlib import Path


class NotThere(OSError):
    """Nobody listens on the socket."""


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
    try:
        connection.request(method, target, None if body is None else body.encode())
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        connection.close()
