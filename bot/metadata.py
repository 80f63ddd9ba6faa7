"""The metadata files of the running service."""

from pathlib import Path

from bot.parts import Parts
from bot.service.sessions import Sessions
from runtime.errors import UserError
from runtime.metadata import MetadataFiles
from runtime.sessions import Session
from runtime.view import SessionView
from runtime.workspace import branch_in


def metadata_files(parts: Parts, root: Path) -> MetadataFiles:
    """Return what keeps them; nothing runs yet. They say the same as the listings."""
    sessions = Sessions(parts)

    def show(name: str) -> SessionView | None:
        try:
            return sessions.get(name)
        except UserError:
            return None

    def head(session: Session) -> str | None:
        spaces = parts.workspaces
        return branch_in(spaces.repository(session).admin(spaces.worktree(session)) / "HEAD")

    async def branch_changed(name: str) -> None:
        """Let the gate take pushes to the branch that the session has now."""
        await parts.desk.close(name)
        await parts.desk.open(name)

    return MetadataFiles(
        parts.store, root, show=show, head=head, forge=parts.hands.forge, branch_changed=branch_changed
    )
