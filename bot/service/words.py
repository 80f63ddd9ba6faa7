"""Takes in what people and agents say about sessions."""

from functools import partial

from bot.api.words import Remapped
from bot.parts import Parts
from bot.service.seen import seen
from bot.service.sessions import Sessions
from runtime import own_id
from runtime.agents import named
from runtime.display import tidy
from runtime.errors import UserError
from runtime.said import Noted
from runtime.store import facts
from runtime.view import SessionView

KEEPS_NONE = "{agent} keeps no session id of its own, so there is nothing to remap for {name}."
NEVER_SAID = "{name}: {agent} has not said its session id yet; try again when it has taken in a prompt."


class Words:
    """Implements `bot.api.words.WordsPort`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    async def rename(self, name: str, display_name: str) -> SessionView:
        """Give a session the name that people read; an empty one takes it back."""
        seen(self._parts, name)
        said = Noted(key="displayName", value=tidy(display_name), by="ao session rename")
        await self._store.write(lambda tx: facts.learn(tx, name, said, source="person"))
        return Sessions(self._parts).get(name)

    async def remap(self, name: str, *, force: bool) -> Remapped:
        """Read again what the agent has pushed since its start, and take the id that it said last."""
        found = seen(self._parts, name)
        agent = named(found.session.agent)
        if not agent.capabilities.has_own_id:
            raise UserError(KEEPS_NONE.format(agent=agent.name, name=name))
        before = found.facts.agent_info.native_id if found.facts.agent_info else ""
        said = own_id.said_in(self._parts.desk.place(name).pushes, agent, now=self._store.clock())
        if not said and (force or not before):
            await self._store.write(partial(own_id.learn, name=name, own="", source="person"))
            raise UserError(NEVER_SAID.format(agent=agent.name, name=name))
        await self._store.write(partial(own_id.learn, name=name, own=said or before, source="person"))
        return Remapped(agent_session_id=said or before, before=before or None, found=bool(said))
