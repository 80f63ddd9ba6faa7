"""What the public listener serves: `/webhook` and `/healthz`, so that a tunnel exposes nothing else."""

from starlette.applications import Starlette
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.receiver import MAX_BODY, Receiver


class PublicApp(Starlette):
    """The application of the public listener: `/webhook` and `/healthz`, nothing else."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        webhook = RequestBodyLimitMiddleware(receiver, max_body_size=MAX_BODY)
        super().__init__(
            routes=[
                Route("/webhook", webhook),
                Route("/healthz", lambda _request: PlainTextResponse("ok"), methods=["GET"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let ordinary deliveries past the router and the limit, which cost a tenth of the whole way."""
        await (self._receiver if _is_ordinary(scope) else super().__call__)(scope, receive, send)


def _is_ordinary(scope: Scope) -> bool:
    """Tell whether this is a delivery whose length is declared and allowed; the server lets no more through."""
    if scope["type"] != "http" or scope["path"] != "/webhook" or scope["method"] != "POST":
        return False
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return length.isdigit() and len(length) < 10 and int(length) <= MAX_BODY


def public_app(receiver: Receiver) -> Starlette:
    """Return the application of the public listener."""
    return PublicApp(receiver)
