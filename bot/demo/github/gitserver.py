"""Git over HTTP: `git http-backend` as a CGI program, streamed both ways, with pushes seen by what they changed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.demo.github import git
from bot.demo.github.callers import WRITERS, Caller, app_may, basic_password, by_token
from bot.demo.github.changes import pushes
from bot.demo.github.people import User
from bot.demo.github.processes import end_group
from bot.demo.github.records import Repository
from bot.demo.github.refusals import Refusal
from bot.demo.github.world import World

SERVICES = ("git-upload-pack", "git-receive-pack")
CHUNK = 64 * 1024
ASK = {"WWW-Authenticate": 'Basic realm="GitHub"'}


class Streamed(Response):
    """An answer sent while the request's body is still read: Starlette's own streaming would read the body too."""

    def __init__(self, status: int, headers: dict[str, str], chunks: AsyncIterator[bytes]) -> None:
        self.status_code = status
        self.raw_headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.background = None
        self.chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class GitServer:
    """The endpoint of `/{owner}/{repo}.git/...`."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def serve(self, request: Request) -> Response:
        """Answer one request of git's smart protocol; the older protocols are refused."""
        rest = str(request.path_params["rest"])
        service = request.query_params.get("service", "") if rest == "info/refs" else rest
        if service not in SERVICES:
            return PlainTextResponse("Please upgrade your git client.\n", 403)
        try:
            caller = self._caller(request)
            request.scope["caller"] = caller.name
            repo = self._repository(request, caller, pushing=service == "git-receive-pack")
        except Refusal as refusal:
            return PlainTextResponse(f"{refusal.message}\n", refusal.status, ASK if refusal.status == 401 else {})
        if rest == "git-receive-pack":
            return await self._push(request, repo, caller.user)
        return await _respond(request, await self._backend(request, repo, rest))

    def _caller(self, request: Request) -> Caller:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return Caller()
        if scheme.lower() != "basic":
            return by_token(self.world, credential)
        return by_token(self.world, basic_password(credential))

    def _repository(self, request: Request, caller: Caller, *, pushing: bool) -> Repository:
        name = f"{request.path_params['owner']}/{request.path_params['repo']}"
        repo = self.world.repositories.get(name.lower())
        token = caller.token
        if token is None and (pushing or repo is None or repo.private):
            raise Refusal(401, "Authentication required.")
        if repo is None:
            raise Refusal(404, "Repository not found.")
        if token is not None and not self._reaches(caller, repo, pushing=pushing):
            raise Refusal(403 if pushing else 404, f"Permission to {repo.full_name}.git denied to {caller.name}.")
        return repo

    def _reaches(self, caller: Caller, repo: Repository, *, pushing: bool) -> bool:
        token = caller.token
        if token is None or token.installation is None:
            role = repo.role(caller.user)
            return role in WRITERS if pushing else role != "none"
        needed = f"contents:{'write' if pushing else 'read'}"
        inside = repo in token.repositories and repo in token.installation.repositories
        return (inside and app_may(token.permissions, needed)) or (not pushing and not repo.private)

    async def _push(self, request: Request, repo: Repository, actor: User) -> Response:
        lock, over = self.world.lock(repo), asyncio.Event()
        await lock.acquire()
        try:
            before = await git.branches(repo.path)
            process = await self._backend(request, repo, "git-receive-pack")
        except BaseException:
            lock.release()
            raise
        self.world.background.start(self._followed(process, repo, actor, before, over))
        return await _respond(request, process, over)

    async def _followed(
        self,
        process: asyncio.subprocess.Process,
        repo: Repository,
        actor: User,
        before: dict[str, str],
        over: asyncio.Event,
    ) -> None:
        """See a push to its end whether or not the client still listens, then do what follows from it."""
        try:
            await process.wait()
            after = await git.branches(repo.path)
            await pushes.follow(self.world, repo, actor, pushes.compare(before, after))
        finally:
            self.world.lock(repo).release()
            over.set()

    async def _backend(self, request: Request, repo: Repository, rest: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "git", "http-backend",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=self._cgi(request, repo, rest), cwd=repo.path, limit=CHUNK, start_new_session=True,
        )  # fmt: skip

    def _cgi(self, request: Request, repo: Repository, rest: str) -> dict[str, str]:
        variables = {
            "GIT_PROJECT_ROOT": str(repo.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repo.path.name}/{rest}",
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "REMOTE_USER": "git",
            "REMOTE_ADDR": "127.0.0.1",
        }
        for name, header in (("CONTENT_LENGTH", "content-length"), ("HTTP_CONTENT_ENCODING", "content-encoding"),
                             ("GIT_PROTOCOL", "git-protocol")):  # fmt: skip
            if header in request.headers:
                variables[name] = request.headers[header]
        return git.environment(**variables)


async def _respond(
    request: Request, process: asyncio.subprocess.Process, over: asyncio.Event | None = None
) -> Response:
    feeding = asyncio.create_task(_feed(request, process))
    try:
        status, headers = await _head(process)
    except BaseException:
        feeding.cancel()
        end_group(process)
        raise
    return Streamed(status, headers, _body(process, feeding, over))


async def _feed(request: Request, process: asyncio.subprocess.Process) -> None:
    if process.stdin is None:
        return
    try:
        async for chunk in request.stream():
            process.stdin.write(chunk)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the backend has heard enough, it answers anyway
    except ClientDisconnect:
        end_group(process)  # git 2.39 spins for ever on a body that ends too early
    finally:
        process.stdin.close()


async def _head(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while process.stdout is not None:
        line = (await process.stdout.readline()).decode("latin-1").strip()
        if not line:
            break
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return status, headers


async def _body(
    process: asyncio.subprocess.Process, feeding: asyncio.Task[None], over: asyncio.Event | None
) -> AsyncIterator[bytes]:
    """The program's output; the answer to a push ends only when everything that follows from it is done."""
    try:
        while process.stdout is not None and (chunk := await process.stdout.read(CHUNK)):
            yield chunk
        await feeding
        await process.wait()
        if over is not None:
            await over.wait()
    finally:
        feeding.cancel()
        if process.returncode is None:
            end_group(process)
