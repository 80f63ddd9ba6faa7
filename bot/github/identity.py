"""Who the bot is on GitHub, so that it never answers itself."""

import asyncio
import logging

import msgspec

from bot.github.gate import Sleep
from bot.github.hub import Hub
from bot.github.marker import ENDS_WITH_MARKER
from runtime.errors import AoError, ForgeBusy, Retryable
from runtime.store import outbox
from runtime.store.store import Store

log = logging.getLogger(__name__)

COMMENTS = ("comment", "status_comment")
REPLIES = ("reply",)
LONGEST_PAUSE = 60.0
REFUSED = "GitHub refuses who we say we are; deliveries wait until that is mended, see: ao doctor"


class Me(msgspec.Struct, frozen=True):
    """Our name; `mention` is what people write after the @."""

    login: str
    mention: str
    user_id: int | None


class Identity:
    """Asks once who we are, and recognises our own words."""

    def __init__(self, hub: Hub, store: Store, *, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep
        self._hub = hub
        self._store = store
        self._me: Me | None = None
        self._asking = asyncio.Lock()

    async def me(self) -> Me:
        """Return who we are; asks GitHub the first time only, however many ask at once."""
        async with self._asking:
            if self._me is None:
                self._me = await (self._app() if self._hub.is_app else self._person())
            return self._me

    async def resolve(self) -> None:
        """Find out in the background, trying again for as long as GitHub is busy."""
        while self._me is None:
            try:
                await self.me()
            except Retryable as exc:
                log.warning("cannot ask GitHub who we are yet", extra={"after": exc.after})
                await self._sleep(min(exc.after, LONGEST_PAUSE))
            except AoError as exc:
                log.error(REFUSED, extra={"error": str(exc)})  # noqa: TRY400 - the reason is all there is to say
                await self._sleep(LONGEST_PAUSE)

    def is_own(
        self,
        login: str,
        body: str = "",
        *,
        user_id: int | None = None,
        repo: str = "",
        remote_id: int | None = None,
        kinds: tuple[str, ...] = COMMENTS,
    ) -> bool:
        """Say whether we did this; `ForgeBusy` before GitHub has said who we are.

        An App is its sender. A token is shared with a person, so there only what the outbox sent, or what
        ends with our hidden marker, is ours; `kinds` says what `remote_id` is an id of.
        """
        if self._me is None:
            raise ForgeBusy("GitHub has not said yet who we are", after=0.5)
        if self._hub.is_app:
            return self._is_app(self._me, login, user_id)
        if login.lower() != self._me.login.lower():
            return False
        if ENDS_WITH_MARKER.search(body):
            return True
        return remote_id is not None and self._store.read(lambda sql: outbox.wrote(sql, repo, str(remote_id), kinds))

    async def _person(self) -> Me:
        user = await self._hub.own.getitem("/user")
        return Me(user["login"], user["login"], user["id"])

    async def _app(self) -> Me:
        slug = (await self._hub.own.getitem("/app"))["slug"]
        return Me(f"{slug}[bot]", slug, None)

    def _is_app(self, me: Me, login: str, user_id: int | None) -> bool:
        """Go by the login, and by the id once we saw it, which outlives a renaming of the App.

        GitHub does not tell an App its bot's user id: its JWT opens no `/users/…`.
        """
        if login.lower() == me.login.lower():
            self._me = Me(me.login, me.mention, user_id or me.user_id)
            return True
        return user_id is not None and user_id == me.user_id
