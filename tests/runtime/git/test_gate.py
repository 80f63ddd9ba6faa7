"""Pushing through the gate: the agent's plain git, the real hook, the service's judgement, the forge."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from runtime.errors import GitFailed
from runtime.gate import Gate, judge_update
from runtime.gate_server import Answer, GateServer, PushRequest, Request, Update
from runtime.git import NOBODY
from runtime.workspace import Repository
from tests.runtime.git.conftest import Agent, Forge

A, B = "a" * 40, "b" * 40


class Service:
    """The service's end of one session's gate: forwards pushes and notes what it was asked."""

    def __init__(self, gate: Gate, repository: Repository, launch: Path) -> None:
        self.asked: list[Request] = []
        self.before: Callable[[], object] = lambda: None
        self.refresh_before_answer = False
        self._gate, self._repository, self._launch = gate, repository, launch
        self.server = self._new_server()

    def _new_server(self) -> GateServer:
        return GateServer(self._launch, self._handle, freshen=self._gate.freshen)

    async def _handle(self, request: Request) -> Answer:
        self.asked.append(request)
        self.before()
        assert isinstance(request, PushRequest)
        answer = await self._gate.receive(request, await self._repository.remote())
        if self.refresh_before_answer:
            await self._gate.refresh()
        return answer

    async def restart(self) -> None:
        await self.server.close()
        self.server = self._new_server()
        await self.server.start()


@pytest.fixture
async def service(gate: Gate, repository: Repository, agent: Agent) -> AsyncIterator[Service]:
    service = Service(gate, repository, agent.launch)
    await service.server.start()
    yield service
    await service.server.close()


@pytest.mark.parametrize(
    ("old", "new", "ref", "says"),
    [
        (NOBODY, A, "refs/heads/ao/n-1", None),
        (A, B, "refs/heads/ao/n-1", None),
        (A, NOBODY, "refs/heads/ao/n-1", "cannot be deleted from here: push new commits to ao/n-1"),
        (A, B, "refs/heads/main", "main changes through pull requests only: run `git push origin HEAD:ao/n-1`"),
        (A, B, "refs/heads/ao/n-2", "Only ao/n-1 can be pushed from here"),
        (A, B, "refs/heads/ao/n-1/x", "Only ao/n-1"),
        (A, B, "refs/ao/preserved/x", "Only ao/n-1"),
        (NOBODY, A, "refs/tags/v1", "Tags cannot be pushed from here"),
    ],
)
def test_only_the_sessions_own_branch_may_move(old, new, ref, says):
    refusal = judge_update([Update(old, new, ref)], "ao/n-1", "main")
    assert refusal is None if says is None else says in refusal


def test_one_foreign_ref_refuses_the_whole_push():
    own, other = Update(A, B, "refs/heads/ao/n-1"), Update(A, B, "refs/heads/main")
    assert judge_update([own, other], "ao/n-1", "main")


@pytest.mark.parametrize(
    "command", ["push", "push origin HEAD", "push -u origin ao/n-1", "push https://github.example/o/n.git HEAD"]
)
async def test_a_plain_push_reaches_the_forge_and_says_so(service, agent, forge, command):
    work = agent.commit("work", new__py="1\n")
    code, _, said = await agent.try_to("git", *command.split())
    assert code == 0, said
    assert f"remote: ao/n-1 is now at {work[:12]} on https://github.example/o/n.git." in said
    assert forge.sha("ao/n-1") == work
    if command in ("push", "push -u origin ao/n-1"):
        assert agent.git("status", "-sb") == "## ao/n-1...origin/ao/n-1"


async def test_a_refused_push_says_what_to_do_and_changes_nothing(service, agent, forge):
    before = forge.git("for-each-ref")
    agent.commit("work", new__py="1\n")
    for command, says in (
        ("push origin HEAD:main", "main changes through pull requests only"),
        ("push origin --delete main", "main changes through pull requests only"),
        ("push origin HEAD:refs/tags/v1", "Tags cannot be pushed from here"),
        ("push origin HEAD HEAD:other", "Only ao/n-1 can be pushed from here"),
    ):
        code, _, said = await agent.try_to("git", *command.split())
        assert code == 1
        assert f"remote: {says}" in said
        assert "pre-receive hook declined" in said
    assert forge.git("for-each-ref") == before


async def test_a_gate_that_serves_another_branch_takes_that_one_and_no_longer_the_first(service, gate, agent, forge):
    gate.serve("feature")
    work = agent.commit("work", new__py="1\n")
    code, _, said = await agent.try_to("git", "push", "origin", "HEAD:feature")
    assert (code, forge.sha("feature")) == (0, work), said
    code, _, said = await agent.try_to("git", "push", "origin", "HEAD:ao/n-1")
    assert code == 1 and "Only feature can be pushed from here" in said
    assert forge.sha("ao/n-1") is None


async def test_an_amended_commit_replaces_the_one_that_was_pushed(service, agent, forge):
    agent.commit("work", new__py="1\n")
    await agent.try_to("git", "push")
    agent.git("commit", "-q", "--amend", "-m", "better words")
    assert (await agent.try_to("git", "push"))[0] == 1
    code, _, said = await agent.try_to("git", "push", "--force-with-lease")
    assert code == 0, said
    assert forge.sha("ao/n-1") == agent.git("rev-parse", "HEAD")


async def test_commits_of_others_are_never_overwritten(service, agent, forge):
    agent.commit("work", new__py="1\n")
    await agent.try_to("git", "push")
    theirs = forge.commit("ao/n-1", theirs__py="2\n")
    agent.commit("more work", more__py="3\n")
    code, _, said = await agent.try_to("git", "push", "--force")
    assert code == 1
    assert "remote: ao/n-1 has commits that you do not have: run `git pull --rebase origin ao/n-1`" in said
    assert forge.sha("ao/n-1") == theirs
    code, _, said = await agent.try_to("git", "pull", "--rebase", "origin", "ao/n-1")
    assert code == 0, said
    assert (await agent.try_to("git", "push"))[0] == 0
    assert forge.git("rev-parse", "ao/n-1~1") == theirs


async def test_a_fetch_shows_the_forge_as_it_is_now(service, agent, forge):
    agent.commit("work", new__py="1\n")
    await agent.try_to("git", "push")
    moved = forge.commit("main", more__py="2\n")
    forge.commit("other", file="1")
    code, _, said = await agent.try_to("git", "pull", "--no-rebase", "--no-edit", "origin", "main")
    assert code == 0, said
    assert agent.git("merge-base", "HEAD", moved) == moved
    await agent.try_to("git", "fetch", "--prune", "origin")
    assert agent.git("branch", "-r").split() == ["origin/ao/n-1", "origin/main", "origin/other"]


async def test_a_fetch_without_the_service_shows_what_was_there_last(gate, agent, forge, repository):
    await gate.ensure(sys.executable, wait=0.1)
    seen = forge.sha("main")
    forge.commit("main", more__py="2\n")
    code, _, said = await agent.try_to("git", "fetch", "origin", "main")
    assert code == 0, said
    assert "these are its branches as last seen" in said
    assert agent.git("rev-parse", "FETCH_HEAD") == seen


async def test_a_refresh_while_a_push_is_finishing_does_not_spoil_it(service, agent, forge):
    service.refresh_before_answer = True
    for content in ("1\n", "2\n"):
        work = agent.commit("work", new__py=content)
        code, _, said = await agent.try_to("git", "push")
        assert code == 0, said
        assert forge.sha("ao/n-1") == work


async def test_a_push_from_a_clone_of_the_agents_own_is_forwarded(service, agent, forge, place, repository):
    copy = place / "copy"
    subprocess.run(("git", "clone", "-q", "--no-local", str(agent.launch / "gate.git"), str(copy)), check=True)
    (copy / "big.txt").write_text("1\n" * 1000)
    mine = Agent("n-1", copy, agent.launch, {"EMAIL": "a@example.invalid"})
    work = mine.commit("elsewhere")
    code, _, said = await mine.try_to("git", "push", "origin", "HEAD:ao/n-1")
    assert code == 0, said
    assert forge.sha("ao/n-1") == work
    assert await repository.resolve(work) is None
    await repository.fetch()
    assert await repository.sha_of("ao/n-1") == work


async def test_the_same_push_after_a_crash_ends_the_same(gate, agent, repository, forge):
    work = agent.commit("work", new__py="1\n")
    update = Update(NOBODY, work, "refs/heads/ao/n-1")
    for _ in range(2):
        assert (await gate.forward(update, None, await repository.remote())).ok
    assert forge.sha("ao/n-1") == work


async def test_a_push_waits_for_a_service_that_is_restarting(service, agent, forge):
    await service.server.close()
    work = agent.commit("work", new__py="1\n")
    pushing = await asyncio.create_subprocess_exec(
        "git", "push", cwd=agent.worktree, env=agent.env(), stderr=asyncio.subprocess.PIPE
    )
    assert pushing.stderr
    async with asyncio.timeout(30):
        said = await pushing.stderr.readuntil(b"waiting up to 5 s for it")
        assert b"remote: ao: the orchestrator is not answering (a restart?)" in said
        await service.server.start()
        await pushing.communicate()
    assert forge.sha("ao/n-1") == work


async def test_a_push_cut_off_by_a_restart_is_asked_again_under_its_id(service, agent, forge, gate):
    restarting: list[asyncio.Task[None]] = []

    def restart_once() -> None:
        if not restarting:
            restarting.append(asyncio.create_task(service.restart()))

    service.before = restart_once
    agent.commit("work", new__py="1\n")
    code, _, said = await agent.try_to("git", "push")
    assert code == 0, said
    await restarting[0]
    assert len(service.asked) == 2
    assert len({request.id for request in service.asked}) == 1


async def test_without_a_service_a_push_fails_with_the_reason(gate, agent, forge):
    await gate.ensure(sys.executable, wait=0.3)
    agent.commit("work", new__py="1\n")
    code, _, said = await agent.try_to("git", "push")
    assert code == 1
    assert "did not answer within 0 s. Nothing was done; run the same command again later." in said
    assert forge.sha("ao/n-1") is None


@pytest.mark.parametrize(("down", "says"), [(503, "cannot be reached now"), (403, "The forge refused the push")])
async def test_a_forge_in_trouble_is_named_and_nothing_is_pushed(service, agent, forge, down, says):
    agent.commit("work", new__py="1\n")
    forge.down = down
    code, _, said = await agent.try_to("git", "push")
    assert code == 1
    assert says in said
    assert "Authorization" not in said


async def test_a_push_whose_answer_was_lost_is_asked_again_and_succeeds(service, agent, forge):
    sha = agent.commit("work", new__py="1\n")
    forge.loses = "git-receive-pack"
    code, _, said = await agent.try_to("git", "push")
    assert code == 0, said
    assert (forge.sha("ao/n-1"), forge.loses) == (sha, "")


async def test_the_forges_own_refusal_reaches_the_agent(service, agent, forge: Forge):
    hook = forge.bare / "hooks/pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho 'GH013: a secret was found in app.py' >&2\nexit 1\n")
    hook.chmod(0o755)
    agent.commit("work", new__py="1\n")
    code, _, said = await agent.try_to("git", "push")
    assert code == 1
    assert "remote: GH013: a secret was found in app.py" in said


async def test_a_quarantine_elsewhere_is_refused(gate, agent, repository, forge):
    update = Update(NOBODY, agent.commit("work", new__py="1\n"), "refs/heads/ao/n-1")
    inside = gate.path / "objects"
    for quarantine in ("/etc", str(inside), f"{inside}/pack", f"{inside}/../x/tmp_objdir-1"):
        with pytest.raises(GitFailed, match="quarantine"):
            await gate.forward(update, quarantine, await repository.remote())
    assert forge.sha("ao/n-1") is None


async def test_a_spoiled_gate_is_repaired(service, gate, agent, forge):
    for spoiled in ("config", "HEAD", "hooks/pre-receive", "objects/info/alternates", "everything"):
        if spoiled == "everything":
            shutil.rmtree(gate.path)
        else:
            (gate.path / spoiled).write_text("[")
        await gate.ensure(sys.executable, wait=5)
        work = agent.commit(spoiled, new__py=spoiled)
        code, _, said = await agent.try_to("git", "push")
        assert code == 0, said
        assert forge.sha("ao/n-1") == work


async def test_the_hook_runs_whatever_hooks_path_the_agent_has(service, agent, forge):
    agent.run("git", "config", "--global", "core.hooksPath", "/nonexistent")
    agent.commit("work", new__py="1\n")
    await agent.try_to("git", "push", "origin", "HEAD:main")
    assert [request.updates[0].ref for request in service.asked] == ["refs/heads/main"]
