"""Puts the service together and runs it; the only place where all parts meet."""

import asyncio
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from bot.alone import alone
from bot.api.app import private_app
from bot.config import Config, environment, make_data_dir
from bot.dispatch import Dispatch
from bot.doctor import git
from bot.github.client import AiohttpWire
from bot.github.credentials import AppAuth, TokenAuth
from bot.github.forge import GitHubForge
from bot.github.hub import Hub
from bot.github.identity import Identity
from bot.github.outbox_sender import OutboxSender
from bot.github.people import People
from bot.github.permissions import Permissions
from bot.github.roots import Roots
from bot.listeners import bind_public
from bot.logs import set_up_logs
from bot.metadata import metadata_files
from bot.pace import Pace
from bot.parts import Parts
from bot.receiver import Receiver
from bot.redelivery import Redelivery
from bot.running import close, run
from bot.service import Service
from bot.settings import Settings
from bot.signature import Secrets
from bot.worker import Worker
from handlers.outbound import STORIES
from handlers.status_comment import render
from handlers.stories import Stories
from runtime import agents
from runtime.announce import Announcer
from runtime.desk import Desk
from runtime.errands import Errands
from runtime.errors import ConfigError
from runtime.git import Git
from runtime.hands import Hands
from runtime.look import look
from runtime.naps import Naps
from runtime.pool import Pool
from runtime.preflight import checked
from runtime.programs import find_program
from runtime.project import Limits
from runtime.pushes import Wake
from runtime.redact import Redactor
from runtime.store.journal import Journal
from runtime.store.store import Store
from runtime.supervisor import Supervisor
from runtime.tmux import Tmux
from runtime.workspaces import Workspaces


def serve(config: Config, *, pace: Pace | None = None) -> int:
    """Run the service until it is told to stop; return the exit code."""
    set_up_logs(config.settings.log_level, config.settings.log_format)
    if (found := git(environment())).level == "FAIL":
        raise ConfigError(f"git: {found.detail}: {found.fix}")
    make_data_dir(config.data_dir)
    with alone(config.data_dir):
        listener = bind_public(config.settings.host, config.settings.port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(config, listener, pace or Pace()))


async def _serve(config: Config, listener: socket.socket, pace: Pace) -> int:
    parts = build(config, environment(), pace)
    try:
        await parts.tmux.check()
    except ConfigError:
        listener.close()
        await close(parts)
        raise
    service = Service(parts, config.broken)
    files = metadata_files(parts, config.data_dir / "sessions")
    return await run(parts, private_app(service), listener, config.socket, drain=pace.drain, also=[files.run])


def build(config: Config, environ: Mapping[str, str], pace: Pace) -> Parts:
    """Make every part; nothing runs yet. Call it in the running event loop."""
    stories, settings, data = Stories(), config.settings, config.data_dir
    limits = next((project.limits for project in config.projects.values()), Limits())
    announcer = Announcer(config.projects, STORIES, edit_interval=pace.edit_interval)
    redact = Redactor(secrets=_secrets(settings), data_dir=data, home=_home(environ))
    store = Store(data / "ao.db", clock=pace.clock, judge=announcer, on_commit=pace.on_commit, redact=redact)
    hub = Hub(Roots.of(settings.github_api_url), _auth(settings), AiohttpWire(), clock=pace.clock)
    identity = Identity(hub, store)
    forge = GitHubForge(hub, redact=redact)
    people = People(Permissions(hub, clock=pace.clock), identity)
    tmux = Tmux(data / "tmux" / "s")
    workspaces = Workspaces(data, Git(environ), forge, store, config.projects, spawns_at_once=limits.spawns_at_once)

    def render_status(session_id: str) -> str:
        seen = store.read(lambda sql: look(sql, session_id))
        if seen is None:
            return ""
        return render(seen.session, seen.facts)

    sender = OutboxSender(
        store, hub, identity, redact=redact, render=render_status, write_interval=pace.write_interval,
        settle=pace.uncertain_for,
    )  # fmt: skip
    errands = Errands(store, config.projects, ordered=lambda wish: checked(wish, hands), may_write=people.may_write)
    desk = Desk(
        store, workspaces, forge, data / "launch", python=sys.executable, outcome=sender.wait_for,
        trusts=people.trusts, errands=errands,
    )  # fmt: skip
    pokes: asyncio.Queue[str] = asyncio.Queue()
    hands = Hands(
        store=store, tmux=tmux, workspaces=workspaces, agents=agents.named, forge=forge, projects=config.projects,
        limits=limits, launch_root=data / "launch", environment=environ, open_gate=desk.open,
        close_gate=desk.close, wake=Wake(pokes.put_nowait), clock=pace.clock, patience=pace.patience,
    )  # fmt: skip
    dispatch = Dispatch(
        store, stories, config.projects, forge=forge, people=people, remember=hub.remember,
        find_program=lambda project, name: find_program(agents.named(name), project, environ),
    )  # fmt: skip
    receiver = _receiver(store, settings, stories)
    redelivery = Redelivery(
        store, hub, receiver.turned_away, after_start=pace.redeliver_after, every=pace.redeliver_every
    )  # fmt: skip
    return Parts(
        projects=config.projects, store=store, tmux=tmux, workspaces=workspaces, hub=hub, identity=identity,
        sender=sender, desk=desk, supervisor=Supervisor(hands, pokes), hands=hands,
        pool=Pool(workspaces, store, config.projects, quiet=pace.quiet),
        receiver=receiver,
        worker=Worker(store, dispatch, limits=pace.worker, clock=pace.clock),
        redelivery=redelivery,
        naps=Naps(store, redelivery.hurry),
        records_kept=settings.records_days * 86400.0,
    )  # fmt: skip


def _receiver(store: Store, settings: Settings, stories: Stories) -> Receiver:
    secrets = Secrets([secret.get_secret_value().encode() for secret in settings.webhook_secret])
    return Receiver(Journal(store), secrets, stories.handles)


def _auth(settings: Settings) -> AppAuth | TokenAuth:
    if settings.github_app_id is not None and settings.github_private_key_file is not None:
        return AppAuth(str(settings.github_app_id), settings.github_private_key_file.read_text())
    return TokenAuth(settings.github_token.get_secret_value() if settings.github_token else None)


def _secrets(settings: Settings) -> list[str]:
    token = [settings.github_token.get_secret_value()] if settings.github_token else []
    return [*token, *(secret.get_secret_value() for secret in settings.webhook_secret)]


def _home(environ: Mapping[str, str]) -> Path | None:
    return Path(environ["HOME"]) if environ.get("HOME") else None
