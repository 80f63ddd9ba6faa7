"""A forge that serves git over HTTP with a password, a repository fetched from it, and an agent's own git."""

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime.gate import Gate
from runtime.git import Git, Remote
from runtime.workspace import Repository, Settings

SHOWN_URL = "https://github.example/o/n.git"
TOKEN = "ghs_made_up_for_tests"
SECRET = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@dataclass
class Forge:
    """Bare repositories below `root`, served at `address`; `asked` has every request's path and credential."""

    root: Path
    address: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    down: int = 0
    loses: str = ""
    """The next answer to a request whose path ends so is lost, after it was done."""
    redirect: str = ""

    @property
    def bare(self) -> Path:
        return self.root / "o/n.git"

    @property
    def url(self) -> str:
        return f"{self.address}/o/n.git"

    def git(self, *args: str) -> str:
        return subprocess.run(
            ("git", f"--git-dir={self.bare}", *args), check=True, capture_output=True, text=True
        ).stdout.strip()

    def sha(self, branch: str) -> str | None:
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") or None

    def commit(self, branch: str, *, onto: str | None = None, **files: str) -> str:
        """Commit files to a branch as a person elsewhere would; names write a dot as `__`."""
        base = onto or self.sha(branch)
        env = os.environ | {"GIT_INDEX_FILE": str(self.root / "index")}
        run = lambda *args, given=None: subprocess.run(  # noqa: E731
            ("git", f"--git-dir={self.bare}", "-c", "user.name=P", "-c", "user.email=p@example.org", *args),
            check=True, capture_output=True, text=True, input=given, env=env,
        ).stdout.strip()  # fmt: skip
        run("read-tree", base or "--empty")
        for name, text in files.items():
            blob = run("hash-object", "-w", "--stdin", given=text)
            run("update-index", "--add", "--cacheinfo", f"100644,{blob},{name.replace('__', '.')}")
        sha = run("commit-tree", run("write-tree"), *(("-p", base) if base else ()), "-m", f"change {branch}")
        run("update-ref", f"refs/heads/{branch}", sha)
        return sha


class _Backend(BaseHTTPRequestHandler):
    """`git http-backend` behind a password."""

    forge: Forge
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self._serve(body)

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        given = self.headers.get("Authorization")
        self.forge.asked.append((path, given))
        if self.forge.down:
            return self._answer(f"{self.forge.down} Down", {}, b"")
        if self.forge.redirect:
            return self._answer("302 Found", {"Location": self.forge.redirect + self.path}, b"")
        if given != f"Basic {SECRET}":
            return self._answer("401 Unauthorized", {"WWW-Authenticate": 'Basic realm="forge"'}, b"")
        env = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.forge.root), "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "bot", "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        ran = subprocess.run(("git", "http-backend"), input=body, env=env, capture_output=True, check=True)
        if self.forge.loses and path.endswith(self.forge.loses) and self.command == "POST":
            self.forge.loses = ""
            return self._answer("502 Lost", {}, b"")
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._answer(headers.pop("Status", "200 OK"), headers, content)

    def _answer(self, status: str, headers: dict[str, str], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def place() -> Iterator[Path]:
    """A short directory, because socket paths are limited."""
    directory = Path(tempfile.mkdtemp(prefix="ao-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    """Closing waits for the requests that are under way: they write into what the test removes then."""


def serve(forge: Forge) -> ThreadingHTTPServer:
    server = _Server(("127.0.0.1", 0), type("Backend", (_Backend,), {"forge": forge}))
    forge.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    return server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forge with one commit and a repository fetched from it, made once and copied for each test."""
    place = tmp_path_factory.mktemp("template")
    forge = Forge(place / "forge")
    forge.bare.mkdir(parents=True)
    subprocess.run(("git", "init", "-q", "--template=", "--bare", "-b", "main", str(forge.bare)), check=True)
    forge.git("config", "http.receivepack", "true")
    forge.commit("main", README__md="Hello\n", app__py="print(1)\n", __gitignore="ignored\n")

    async def remote() -> Remote:
        return Remote(str(forge.bare))

    asyncio.run(Repository(place / "repos/o/n.git", Git(os.environ), remote, url=SHOWN_URL).fetch())
    return place


@pytest.fixture
def forge(template: Path, place: Path) -> Iterator[Forge]:
    shutil.copytree(template / "forge", place / "forge")
    forge = Forge(place / "forge")
    server = serve(forge)
    yield forge
    server.shutdown()
    server.server_close()


@pytest.fixture
def git() -> Git:
    return Git(os.environ)


@pytest.fixture
def repository(template: Path, place: Path, forge: Forge, git: Git) -> Repository:
    shutil.copytree(template / "repos/o/n.git", place / "repos/o/n.git")

    async def remote() -> Remote:
        return Remote.with_token(forge.url, TOKEN)

    repository = Repository(place / "repos/o/n.git", git, remote, url=SHOWN_URL)
    repository.ensure()
    return repository


@dataclass
class Agent:
    """An agent's seat: its worktree, its launch directory, and commands run as it would run them."""

    session: str
    worktree: Path
    launch: Path
    environment: dict[str, str]

    @property
    def branch(self) -> str:
        return f"ao/{self.session}"

    def env(self) -> dict[str, str]:
        path = f"{self.launch / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.launch), "GIT_TERMINAL_PROMPT": "0", **self.environment}

    def run(self, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(args, cwd=self.worktree, env=self.env() | more, capture_output=True, text=True)

    def git(self, *args: str) -> str:
        ran = self.run("git", *args)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    async def try_to(self, *args: str) -> tuple[int, str, str]:
        """Run a command while the service goes on; return exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            *args, cwd=self.worktree, env=self.env(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            (self.worktree / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


def settings_for(launch: Path) -> Settings:
    return Settings(gate=launch / "gate.git", name="codex (n-1)", email="n-1@example.invalid")


async def seat(repository: Repository, place: Path, session: str = "n-1") -> Agent:
    """Give an agent a worktree and a gate, as a spawn does."""
    launch = place / "launch" / session
    launch.mkdir(parents=True, exist_ok=True)
    sha = await repository.sha_of("main")
    assert sha
    path = place / "trees" / session
    await repository.add_worktree(path, f"ao/{session}", sha, settings_for(launch))
    return Agent(session, path, launch, await repository.environment(settings_for(launch)))


@pytest.fixture
async def agent(repository: Repository, place: Path) -> Agent:
    return await seat(repository, place)


@pytest.fixture
async def gate(repository: Repository, agent: Agent) -> Gate:
    gate = Gate(agent.launch, repository, own_branch=agent.branch, default_branch="main", again_after=(0.0,))
    await gate.ensure(sys.executable, wait=5)
    return gate
