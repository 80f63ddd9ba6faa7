"""Repositories, their branches and references, labels, and who may do what."""

from __future__ import annotations

import base64

from bot.demo.github import commits, git
from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import labels, pushes
from bot.demo.github.people import Json
from bot.demo.github.refusals import Refusal, not_found
from bot.demo.github.shapes import people, repositories
from bot.demo.github.shapes.repositories import api_of, html_of

rest = Table()
REPO = "/repos/{owner}/{repo}"
# https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
LEGACY = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none"}


@rest("GET", REPO, needs="metadata:read")
async def repository(call: Call) -> Answer:
    """A repository."""
    token = call.caller.token
    role = call.repo.role(token.user) if token and not token.installation else "read"
    return Answer(200, repositories.full_repository(call.world, call.repo, role))


@rest("GET", f"{REPO}/collaborators/{{login}}/permission", needs="metadata:read", role="write")
async def permission(call: Call) -> Answer:
    """What a user may do: the old four words, and the exact role."""
    user = call.world.user(call.text("login"))
    role = call.repo.role(user)
    level = LEGACY[role]
    flags = repositories.full_repository(call.world, call.repo, role)["permissions"]
    shape = {**people.user(call.world, user), "role_name": role, "permissions": flags}
    return Answer(200, {"permission": level, "role_name": role, "user": shape})


@rest("GET", f"{REPO}/branches", needs="contents:read")
async def branches(call: Call) -> Answer:
    """All branches."""
    api = api_of(call.world, call.repo)

    def shape(item: tuple[str, str]) -> Json:
        name, sha = item
        return {"name": name, "commit": {"sha": sha, "url": f"{api}/commits/{sha}"}, "protected": False}

    return call.page((await git.branches(call.repo.path)).items(), shape)


@rest("GET", f"{REPO}/branches/{{branch:path}}", needs="contents:read")
async def branch(call: Call) -> Answer:
    """One branch with its commit."""
    name, repo, world = call.text("branch"), call.repo, call.world
    sha = await git.resolve(repo.path, f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    api = f"{api_of(world, repo)}/branches/{name}"
    checks: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    body = {
        "name": name,
        "commit": repositories.commit(world, repo, await commits.one(repo.path, sha)),
        "_links": {"self": api, "html": f"{html_of(world, repo)}/tree/{name}"},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{api}/protection",
    }
    return Answer(200, body)


@rest("GET", f"{REPO}/commits/{{sha}}", needs="contents:read")
async def commit(call: Call) -> Answer:
    """One commit."""
    sha = await git.resolve(call.repo.path, call.text("sha"))
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.text('sha')}")
    return Answer(200, repositories.commit(call.world, call.repo, await commits.one(call.repo.path, sha)))


@rest("GET", f"{REPO}/git/ref/{{ref:path}}", needs="contents:read")
async def reference(call: Call) -> Answer:
    """Where a reference points."""
    ref = f"refs/{call.text('ref')}"
    sha = await git.resolve(call.repo.path, ref)
    if sha is None:
        raise not_found()
    return Answer(200, repositories.reference(call.world, call.repo, ref, sha))


@rest("POST", f"{REPO}/git/refs", needs="contents:write", role="write")
async def create_reference(call: Call) -> Answer:
    """A new branch at a commit."""
    ref, sha, repo = call.string("ref", resource="Reference"), call.string("sha", resource="Reference"), call.repo
    name = ref.removeprefix("refs/heads/")
    if name == ref or await git.resolve(repo.path, sha) != sha:
        raise Refusal(422, "Object does not exist" if name != ref else "Reference name must start with 'refs/heads/'")
    async with call.world.lock(repo):
        if await git.resolve(repo.path, ref) is not None:
            raise Refusal(422, "Reference already exists")
        await git.git(repo.path, "update-ref", ref, sha, git.ZERO)
        await pushes.follow(call.world, repo, call.caller.user, [pushes.Update(name, git.ZERO, sha)])
    return Answer(201, repositories.reference(call.world, repo, ref, sha))


@rest("DELETE", f"{REPO}/git/refs/{{ref:path}}", needs="contents:write", role="write")
async def delete_reference(call: Call) -> Answer:
    """Delete a branch."""
    ref = f"refs/{call.text('ref')}"
    sha = await git.resolve(call.repo.path, ref)
    if sha is None or not ref.startswith("refs/heads/"):
        raise Refusal(422, "Reference does not exist")
    await pushes.delete_branch(call.world, call.repo, call.caller.user, ref.removeprefix("refs/heads/"), sha)
    return Answer(204)


@rest("GET", f"{REPO}/contents/{{path:path}}", needs="contents:read")
async def contents(call: Call) -> Answer:
    """One file of a commit, as base64."""
    repo, path = call.repo, call.text("path")
    sha = await git.resolve(repo.path, call.query("ref", repo.default_branch))
    code, blob = (1, "") if sha is None else await git.attempt(repo.path, "ls-tree", str(sha), "--", path)
    kind = blob.split()[1] if code == 0 and blob.split() else ""
    if kind != "blob":
        raise not_found()
    text = await git.git(repo.path, "cat-file", "-p", f"{sha}:{path}")
    number, api = blob.split()[2], f"{api_of(call.world, repo)}/contents/{path}?ref={sha}"
    links = {"git": f"{api_of(call.world, repo)}/git/blobs/{number}", "self": api}
    links["html"] = f"{html_of(call.world, repo)}/blob/{sha}/{path}"
    body: Json = {"type": "file", "encoding": "base64", "size": len(text.encode()), "name": path.rpartition("/")[2]}
    body |= {"path": path, "content": base64.b64encode(text.encode()).decode(), "sha": number, "url": api}
    body |= {"git_url": links["git"], "html_url": links["html"], "download_url": None, "_links": links}
    return Answer(200, body)


@rest("GET", f"{REPO}/labels", needs="issues|pull_requests:read")
async def list_labels(call: Call) -> Answer:
    """The repository's labels."""
    return call.page(call.repo.labels, lambda each: repositories.label(call.world, call.repo, each))


@rest("POST", f"{REPO}/labels", needs="issues|pull_requests:write", role="triage")
async def create_label(call: Call) -> Answer:
    """A new label."""
    name = call.string("name", resource="Label")
    color = call.string("color", resource="Label", default="ededed")
    made = labels.create(call.world, call.repo, call.caller.user, name, color, call.body.get("description"))
    return Answer(201, repositories.label(call.world, call.repo, made))


@rest("GET", f"{REPO}/labels/{{name}}", needs="issues|pull_requests:read")
async def label(call: Call) -> Answer:
    """One label."""
    return Answer(200, repositories.label(call.world, call.repo, labels.get(call.repo, call.text("name"))))
