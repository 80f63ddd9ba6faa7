"""The real client against a real server on loopback: the local GitHub."""

import asyncio
import subprocess

import aiohttp
import pytest
from aiohttp import web

from bot.demo.github import LocalGitHub
from bot.github.answers import Uncertain
from bot.github.client import AiohttpWire
from bot.github.credentials import AppAuth, TokenAuth
from bot.github.forge import GitHubForge
from bot.github.hub import Hub
from bot.github.identity import Identity
from bot.github.outbox_sender import OutboxSender
from bot.github.permissions import Permissions
from bot.github.roots import Roots
from runtime.redact import Redactor
from runtime.store import outbox
from runtime.store.store import Store
from tests.bot.github.wire import FakeTime, terms

REPO = "alice/garden"
WORKFLOW = (
    "name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - uses: actions/checkout@v4\n      - run: sh ./test.sh\n"
)
FILES = {"README.md": "# Garden\n", "test.sh": "exit 0\n", ".github/workflows/ci.yml": WORKFLOW}
MANIFEST = {
    "name": "gardener",
    "url": "https://example.com",
    "hook_attributes": {"url": "http://127.0.0.1:9/webhook", "active": False},
    "default_permissions": {
        "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write", "actions": "read",
        "statuses": "read", "metadata": "read",
    },
    "default_events": ["issues"],
}  # fmt: skip


@pytest.fixture
async def forge_host(tmp_path):
    host = LocalGitHub(tmp_path / "hub")
    await host.start()
    for login in ("alice", "bob", "eve"):
        host.add_user(login)
    host.add_repository("alice", "garden", files=FILES)
    host.set_role(REPO, "bob", "write")
    yield host
    await host.stop()


@pytest.fixture
async def app(forge_host):
    made = forge_host.create_app("alice", MANIFEST)
    forge_host.install(made["slug"], [REPO])
    hub = Hub(Roots.of(forge_host.url), AppAuth(str(made["id"]), made["pem"]), AiohttpWire())
    yield hub
    await hub.close()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "ao.db")
    yield store
    store.close()


@pytest.fixture
async def outgoing(app, store):
    """A sender at work, and how to hand it a row and wait for the outcome."""
    sender = OutboxSender(
        store, app, Identity(app, store), redact=Redactor(), render=lambda _: "working", write_interval=0, settle=0.05,
        backoff=lambda _: 0.05,
    )  # fmt: skip
    task = asyncio.create_task(sender.run())

    async def send(key, kind, **payload):
        await store.write(lambda tx: outbox.enqueue(tx, key=key, kind=kind, repo=REPO, payload=payload))
        return await asyncio.wait_for(sender.wait_for(key), 30)

    yield send
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def git(cwd, *args):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *args], cwd=cwd, check=True, capture_output=True, text=True).stdout


def pushed_branch(remote, tmp_path, branch, files):
    """Clone with the service's credential, commit these files, push the branch; return its commit."""
    header = ["-c", f"http.extraHeader={remote.header}"]
    clone = tmp_path / "clone"
    git(tmp_path, *header, "clone", "-q", remote.url, str(clone))
    for name, text in files.items():
        (clone / name).write_text(text)
    git(clone, "checkout", "-qb", branch)
    git(clone, "commit", "-qam", "change")
    git(clone, *header, "push", "-q", "origin", branch)
    return git(clone, "rev-parse", "HEAD").strip()


async def test_the_app_finds_itself_and_asks_for_permissions(app, store):
    assert (await Identity(app, store).me()).login == "gardener[bot]"
    permissions = Permissions(app)
    assert [await permissions.may_write(REPO, who) for who in ("alice", "bob", "eve", "nobody")] == [1, 1, 0, 0]


async def test_a_branch_becomes_a_pull_request_with_a_failed_log(app, outgoing, forge_host, tmp_path):
    forge = GitHubForge(app, redact=Redactor())
    remote = await forge.remote(REPO)
    broken = {"test.sh": "echo three is broken; exit 1\n"}
    sha = await asyncio.to_thread(pushed_branch, remote, tmp_path, "ao/app-1", broken)
    wanted = {"head": "ao/app-1", "base": "main", "title": "Break it", "body": "For #1", "draft": False}
    made = await outgoing("pr", "pull_request", **wanted)
    again = await outgoing("pr again", "pull_request", **wanted)
    assert made == again
    assert made["head_sha"] == sha
    pull = await forge.pull_request(REPO, made["number"])
    assert (pull.state, pull.head_ref, pull.base_ref) == ("open", "ao/app-1", await forge.default_branch(REPO))
    await forge_host.idle()
    checks = await forge.gh_read(REPO, f"repos/{REPO}/commits/{sha}/check-runs")
    failed = next(run for run in checks["check_runs"] if run["conclusion"] == "failure")
    assert "three is broken" in await forge.failed_log(REPO, failed["id"])
    await forge.edit_pull_request(REPO, made["number"], title="Break it well", body="Better")
    edited = await forge.gh_read(REPO, f"repos/{REPO}/pulls/{made['number']}")
    assert edited["title"] == "Break it well"
    assert edited["body"] == "Better\n\n<!-- ao:pull_request:pr -->"


async def test_each_kind_of_write_arrives(app, outgoing):
    client = await app.of(REPO)
    issue = await client.post(f"/repos/{REPO}/issues", data={"title": "Add a greeting"})
    number = issue["number"]
    said = await outgoing("c", "comment", number=number, body="On it.")
    await outgoing("r1", "reaction", subject="issue", number=number, content="eyes")
    await outgoing("r2", "reaction", subject="issue_comment", id=said["id"], content="eyes")
    await outgoing("r3", "reaction", subject="issue_comment", id=said["id"], content="eyes")
    await outgoing("l", "label", number=number, name="agent: working")
    await outgoing("u", "unlabel", number=number, name="agent: working")
    assert await outgoing("v", "unlabel", number=number, name="agent: working") == {"absent": True}
    comments = await client.getitem(f"/repos/{REPO}/issues/{number}/comments")
    assert [one["body"] for one in comments] == ["On it.\n\n<!-- ao:comment:c -->"]
    assert comments[0]["reactions"]["eyes"] == 1


@pytest.mark.parametrize("after", [True, False])
async def test_a_comment_whose_answer_was_lost_is_written_once(app, outgoing, forge_host, after):
    client = await app.of(REPO)
    number = (await client.post(f"/repos/{REPO}/issues", data={"title": "x"}))["number"]
    forge_host.faults.add("error", times=2, method="POST", match="comments", after=after)
    await outgoing("c", "comment", number=number, body="On it.")
    assert len(await client.getitem(f"/repos/{REPO}/issues/{number}/comments")) == 1


async def test_tokens_are_asked_for_once_and_calls_are_counted(app, forge_host):
    client = await app.of(REPO)
    await asyncio.gather(*(client.getitem(f"/repos/{REPO}") for _ in range(20)))
    asked = [one.path for one in forge_host.requests]
    assert sum(path.endswith("access_tokens") for path in asked) == 1
    assert app.meter.calls == len(asked) == 22
    assert app.meter.remaining is not None


@pytest.fixture
def timeout():
    """How long the client waits for an answer."""
    return 30.0


@pytest.fixture
async def rough(timeout):
    """A server that behaves as badly as its path says, and what it was sent."""
    seen = []

    async def answer(request):
        seen.append(request)
        match request.path:
            case "/cut":
                request.transport.close()
            case "/hang":
                await asyncio.sleep(30)
            case "/logs":
                raise web.HTTPFound("/file")
            case "/missing":
                raise web.HTTPFound("/nothing")
            case "/nothing":
                raise web.HTTPNotFound
        return web.Response(body=b"x" * 1_000_000 + b"the end")

    runner = web.AppRunner(_app(answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    wire = AiohttpWire()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield wire.connect(terms(FakeTime(), TokenAuth("ghp_test"), timeout=timeout), Roots.of(root)), seen
    await wire.close()
    await runner.cleanup()


def _app(answer):
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    return app


@pytest.mark.parametrize(("path", "timeout"), [("/cut", 30.0), ("/hang", 0.3)])
async def test_a_write_without_an_answer_is_uncertain(rough, path):
    client, _ = rough
    with pytest.raises(Uncertain):
        await client.post(path, data={})


async def test_a_server_that_is_not_there_is_uncertain(unused_port=1):
    wire = AiohttpWire()
    client = wire.connect(terms(FakeTime(), TokenAuth("t")), Roots.of(f"http://127.0.0.1:{unused_port}"))
    with pytest.raises(Uncertain, match="unreachable"):
        await client.getitem("/x")
    await wire.close()


async def test_the_end_of_a_long_log_is_kept_and_its_host_sees_no_token(rough):
    client, seen = rough
    assert await client.end_of_download("/logs", keep=9) == b"xxthe end"
    assert [request.headers.get("authorization") for request in seen] == ["token ghp_test", None]


async def test_a_log_that_vanished_is_empty(rough):
    client, _ = rough
    assert await client.end_of_download("/missing", keep=9) == b""


async def test_one_session_serves_all_clients_and_opens_again():
    wire = AiohttpWire()
    await wire.close()
    first = wire.connect(terms(FakeTime(), TokenAuth("t")), Roots.of())
    second = wire.connect(terms(FakeTime(), TokenAuth("t")), Roots.of())
    assert first._session is second._session
    await wire.close()
    third = wire.connect(terms(FakeTime(), TokenAuth("t")), Roots.of())
    assert isinstance(third._session, aiohttp.ClientSession)
    assert not third._session.closed
    await wire.close()
