"""Listens to what a session's agent says about itself, right before anything is typed to it."""

from runtime.hands import Hands
from runtime.ingest import ingest
from runtime.look import Look, look
from runtime.processes import is_agent

GONE = "the agent's process has ended"


class Ear:
    """What the agent of one session has said by now; one for each thing that is to be typed."""

    def __init__(self, hands: Hands, name: str) -> None:
        self._hands, self._name = hands, name
        self._pushes = hands.place(name).pushes
        self._heard: Look | None = None

    async def look(self) -> Look | None:
        """Take in what the agent has said by now, and return what is known then."""
        await ingest(self._hands.store, self._name, self._pushes, self._hands.agents)
        self._heard = self._hands.store.read(lambda sql: look(sql, self._name))
        return self._heard

    async def why_not_type(self) -> str | None:
        """Return why nothing may be typed into the session's pane at this moment, or None when it may."""
        now = await self.look()
        if now is None:
            return "the session is gone"
        if why := now.why_not_type():
            return why
        return None if is_agent(now.facts.process) else GONE

    def is_unchanged(self) -> bool:
        """Tell whether the agent has said nothing since, and has not become a shell; on any thread."""
        heard = self._heard
        return heard is not None and heard.has_read(self._pushes) and is_agent(heard.facts.process)
