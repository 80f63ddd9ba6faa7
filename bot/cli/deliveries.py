"""`ao deliveries`: the journal of what GitHub sent, and its dead letters."""

import json
import time
from typing import Annotated, Any

import typer

from bot.bounds import MOST_LISTED
from bot.cli.client import get, post, segment
from bot.cli.light import Light, group
from bot.cli.sessions import JsonOption
from bot.cli.text import ago, harmless, say

app = group("Shows and replays what GitHub sent.")

SHORT_GUID = 8
"""Characters of a GUID that are shown where there is little room; as many find it again."""
GuidArgument = Annotated[str, typer.Argument(metavar="GUID", help="The delivery's X-GitHub-Delivery.")]


@app.command("ls", cls=Light)
def list_deliveries(
    state: Annotated[str | None, typer.Option(help="Only these: queued, running, done, ignored or dead.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_LISTED, help="How many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Lists the newest deliveries."""
    found = get("deliveries", state=state, limit=limit)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found:
        say("No deliveries." if state is None else f"No deliveries are {state}.")
        return
    from bot.cli.table import Column, draw

    now = time.time()
    columns = [Column("Age"), Column("Event", gives_way=True), Column("State"), Column("GUID")]
    typer.echo(draw(columns, [_row(delivery, now) for delivery in found], map(_reason, found)))


def _row(delivery: dict[str, Any], now: float) -> list[str]:
    from bot.cli.table import narrow

    guid = harmless(delivery["guid"])
    return [
        ago(delivery["receivedAt"], now), _event(delivery), delivery["state"], guid[:SHORT_GUID] if narrow() else guid,
    ]  # fmt: skip


def _event(delivery: dict[str, Any]) -> str:
    return harmless(f"{delivery['event']}.{delivery['action']}" if delivery["action"] else delivery["event"])


def _reason(delivery: dict[str, Any]) -> str:
    return harmless(delivery["error"] or delivery["skipReason"] or "")


@app.command(cls=Light)
def show(
    guid: GuidArgument,
    payload: Annotated[bool, typer.Option("--payload", help="Print what GitHub sent, as JSON.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Shows what became of a delivery."""
    found = get(f"deliveries/{segment(guid)}")
    if as_json or payload:
        typer.echo(json.dumps(found["payload"] if payload else found, indent=2, ensure_ascii=False))
        return
    delivery = found["delivery"]
    say(f"{_event(delivery)}  {harmless(delivery['guid'])}")
    for name, key in (
        ("state", "state"),
        ("received", "receivedAt"),
        ("finished", "finishedAt"),
        ("attempts", "attempts"),
        ("session", "sessionKey"),
        ("skipped", "skipReason"),
        ("error", "error"),
    ):
        if delivery[key] is not None:
            say(f"  {name:<9} {harmless(str(delivery[key]))}")
    for run in found["handlers"]:
        say(f"  handler   {run['handler']}" + (f": {harmless(run['skipReason'])}" if run["skipReason"] else ""))
    for record in found["records"]:
        say(f"  {record['at']}  {record['kind']}  {harmless(record['summary'])}")


@app.command(cls=Light)
def replay(
    guid: GuidArgument,
    force: Annotated[bool, typer.Option("--force", help="Repeat handlers that had finished too.")] = False,
) -> None:
    """Queues a delivery again, for example a dead one after a fix."""
    delivery = post(f"deliveries/{segment(guid)}/replay", {"force": force})
    say(f"Delivery {harmless(delivery['guid'])} is queued again. Follow it with: ao deliveries show {guid}")
