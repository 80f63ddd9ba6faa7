"""GitHub's published captures, whole as they were sent: the service takes each once, and every story can read them."""

import hashlib
import hmac
import json
import os
import uuid
from pathlib import Path

import httpx
import pytest

from bot.demo.acts import Story
from runtime.project import Labels
from tests.demo_github.place import NO_TLS
from tests.e2e.play import set_stage, short_directory
from tests.fakes.bot import Bot, a_project
from tests.fakes.clock import FakeClock
from tests.fakes.github import GitHub, Sent

pytestmark = pytest.mark.github
CAPTURES = "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
DATA = Path(os.environ.get("GH_NPM", ".github-data"))
REPO = "Codertocat/Hello-World"
NOT_OURS = "no project works on this repository"


class Writers(dict[str, str]):
    """Everybody may write, whoever GitHub has captured."""

    def get(self, *_):
        return "write"


@pytest.fixture(scope="module")
def captures():
    published = json.loads((DATA / CAPTURES).read_text())
    return [(event["name"], payload) for event in published for payload in event["examples"]]


def signed(event, body, secret):
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


async def test_service_takes_every_capture_once(captures):
    with short_directory() as home:
        async with set_stage(home) as stage, httpx.AsyncClient(verify=NO_TLS, timeout=30) as http:
            address = f"http://127.0.0.1:{stage.service._environment['AO_PORT']}/webhook"
            first, again, bodies = [], [], set()
            for event, payload in captures:
                body = json.dumps(payload).encode()
                headers = signed(event, body, stage.service._environment["AO_WEBHOOK_SECRET"])
                fresh = body not in bodies and event != "ping"
                bodies.add(body)
                answers = [(await http.post(address, content=body, headers=headers)).status_code for _ in range(2)]
                first.append(answers[0] == (202 if fresh else 200))
                again.append(answers[1] == 200)
            assert (len(captures) > 300, all(first), all(again)) == (True, True, True)

            async def settled():
                seen = await stage.service.get("/metrics")
                return seen if "ao_deliveries_open 0.0" in seen else None

            assert 'state="dead"' not in await Story(stage).until("all is handled", settled)


async def test_every_story_reads_complete_captures(captures, tmp_path):
    clock = FakeClock()
    github = GitHub(clock, roles=Writers())
    bot = Bot(tmp_path / "ao.db", clock, github, a_project(repo=REPO, labels=Labels(spawn="bug")))
    try:
        once = {json.dumps(payload): Sent(event, payload) for event, payload in captures}
        entries = [await bot.receives(sent) for sent in once.values()]
    finally:
        bot.store.close()
    assert {entry.state for entry in entries} == {"done", "ignored"}
    assert [entry.error for entry in entries if entry.error] == []
    read = [sent.payload.get("repository", {}).get("full_name") == REPO for sent in once.values()]
    lost = [entry for entry, ours in zip(entries, read, strict=True) if ours and entry.skip_reason == NOT_OURS]
    assert [(entry.event, entry.action) for entry in lost] == []
    assert len([entry for entry in entries if entry.state == "done" and entry.skip_reason is None]) > 5
