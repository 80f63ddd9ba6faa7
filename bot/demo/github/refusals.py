"""GitHub's refusals: a status, a message and the body that goes with them."""

from __future__ import annotations

from bot.demo.github.people import Json

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """An answer that is not a success, raised by whatever finds the reason."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self) -> Json:
        """The JSON body in GitHub's shape."""
        body: Json = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def not_found() -> Refusal:
    """404, which GitHub also says where a 403 would reveal that something exists."""
    return Refusal(404, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refusal:
    """422 for one field; with a message the code is `custom`, as GitHub does."""
    error: Json = {"resource": resource, "field": field, "code": "custom" if message else code}
    if message:
        error["message"] = message
    return Refusal(422, "Validation Failed", [error])


def forbidden_to_app() -> Refusal:
    """403 for an installation whose permissions or repositories do not reach this."""
    return Refusal(403, "Resource not accessible by integration")
