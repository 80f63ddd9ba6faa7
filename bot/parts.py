"""The parts of a running service, put together in `bot.app`."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.github.hub import Hub
from bot.github.identity import Identity
from bot.github.outbox_sender import OutboxSender
from bot.receiver import Receiver
from bot.redelivery import Redelivery
from bot.worker import Worker
from runtime.desk import Desk
from runtime.hands import Hands
from runtime.naps import Naps
from runtime.pool import Pool
from runtime.project import Project
from runtime.store.store import Store
from runtime.supervisor import Supervisor
from runtime.tmux import Tmux
from runtime.workspaces import Workspaces


@dataclass(frozen=True)
class Parts:
    """Everything that has to be run, asked or closed."""

    projects: Mapping[str, Project]
    store: Store
    tmux: Tmux
    workspaces: Workspaces
    hub: Hub
    identity: Identity
    sender: OutboxSender
    desk: Desk
    supervisor: Supervisor
    hands: Hands
    pool: Pool
    receiver: Receiver
    worker: Worker
    redelivery: Redelivery
    naps: Naps
    records_kept: float
    """How long the audit trail is kept, seconds."""
