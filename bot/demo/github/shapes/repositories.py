"""The JSON of repositories, labels, commits and references."""

from __future__ import annotations

from bot.demo.github.commits import Commit, FileChange
from bot.demo.github.people import Json
from bot.demo.github.records import Label, Repository
from bot.demo.github.shapes.common import node_id, stamp
from bot.demo.github.shapes.people import user
from bot.demo.github.world import World

PLAIN_LINKS = [
    "forks",
    "hooks",
    "teams",
    "events",
    "merges",
    "languages",
    "stargazers",
    "contributors",
    "subscribers",
    "subscription",
    "tags",
    "downloads",
    "deployments",
]
TEMPLATE_LINKS = {
    "keys": "{/key_id}",
    "collaborators": "{/collaborator}",
    "branches": "{/branch}",
    "labels": "{/name}",
    "milestones": "{/number}",
    "issues": "{/number}",
    "pulls": "{/number}",
    "comments": "{/number}",
    "commits": "{/sha}",
    "assignees": "{/user}",
    "releases": "{/id}",
    "statuses": "/{sha}",
    "notifications": "{?since,all,participating}",
}
GIT_LINKS = {
    "blobs_url": "git/blobs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_commits_url": "git/commits{/sha}",
    "trees_url": "git/trees{/sha}",
    "issue_events_url": "issues/events{/number}",
    "issue_comment_url": "issues/comments{/number}",
    "contents_url": "contents/{+path}",
    "compare_url": "compare/{base}...{head}",
    "archive_url": "{archive_format}{/ref}",
}


def api_of(world: World, repo: Repository) -> str:
    """The repository's address in the REST API."""
    return f"{world.url}/repos/{repo.full_name}"


def html_of(world: World, repo: Repository) -> str:
    """The repository's page."""
    return f"{world.url}/{repo.full_name}"


def _links(world: World, repo: Repository) -> Json:
    api, html = api_of(world, repo), html_of(world, repo)
    links = {f"{name}_url": f"{api}/{name}" for name in PLAIN_LINKS}
    links |= {f"{name}_url": f"{api}/{name}{rest}" for name, rest in TEMPLATE_LINKS.items()}
    links |= {name: f"{api}/{rest}" for name, rest in GIT_LINKS.items()}
    address = html.partition("://")[2]
    here = {"git_url": f"git://{address}.git", "ssh_url": f"git@{address}.git", "clone_url": f"{html}.git"}
    return {"html_url": html, "url": api, **links, **here, "svn_url": html, "mirror_url": None}


def repository(world: World, repo: Repository) -> Json:
    """A repository as it stands inside webhooks, pull requests and lists."""
    opened = sum(issue.state == "open" for issue in repo.issues.values())
    flags = {"has_issues": True, "has_projects": False, "has_downloads": True, "has_wiki": False, "has_pages": False}
    zero = dict.fromkeys(("size", "stargazers_count", "watchers_count", "forks_count", "forks", "watchers"), 0)
    return {
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user(world, repo.owner),
        "description": repo.description,
        "fork": repo.parent is not None,
        **_links(world, repo),
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.pushed_at),
        "pushed_at": stamp(repo.pushed_at),
        "homepage": None,
        **zero,
        "language": None,
        **flags,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "open_issues_count": opened,
        "open_issues": opened,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "custom_properties": {},
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
    }


def full_repository(world: World, repo: Repository, role: str) -> Json:
    """A repository as `GET /repos/{owner}/{repo}` shows it to someone with `role`."""
    ladder = ("none", "read", "triage", "write", "maintain", "admin")
    names = ("pull", "triage", "push", "maintain", "admin")
    rank = ladder.index(role)
    permissions = {name: rank >= needed for needed, name in enumerate(names, start=1)}
    counts = {"subscribers_count": 0, "network_count": 0}
    merging = {"allow_squash_merge": True, "allow_merge_commit": True, "allow_rebase_merge": False}
    return {**repository(world, repo), "permissions": permissions, **merging, **counts}


def tiny_repository(world: World, repo: Repository) -> Json:
    """A repository as check runs' pull requests name it."""
    return {"id": repo.id, "url": api_of(world, repo), "name": repo.name}


def label(world: World, repo: Repository, one: Label) -> Json:
    """A label."""
    return {
        "id": one.id,
        "node_id": node_id("Label", one.id),
        "url": f"{api_of(world, repo)}/labels/{one.name.replace(' ', '%20')}",
        "name": one.name,
        "color": one.color,
        "default": False,
        "description": one.description,
    }


def _git_person(name: str, email: str, date: str) -> Json:
    return {"name": name, "email": email, "date": date}


def commit(world: World, repo: Repository, one: Commit) -> Json:
    """A commit as REST shows it."""
    api, html = api_of(world, repo), html_of(world, repo)
    author = world.users.get(one.author_name.lower())
    committer = world.users.get(one.committer_name.lower())
    return {
        "sha": one.sha,
        "node_id": node_id("Commit", int(one.sha[:8], 16)),
        "url": f"{api}/commits/{one.sha}",
        "html_url": f"{html}/commit/{one.sha}",
        "comments_url": f"{api}/commits/{one.sha}/comments",
        "commit": {
            "url": f"{api}/git/commits/{one.sha}",
            "author": _git_person(one.author_name, one.author_email, one.author_date),
            "committer": _git_person(one.committer_name, one.committer_email, one.committer_date),
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{api}/git/trees/{one.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "author": user(world, author) if author else None,
        "committer": user(world, committer) if committer else None,
        "parents": [
            {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{html}/commit/{sha}"} for sha in one.parents
        ],
    }


def pushed_commit(world: World, repo: Repository, one: Commit) -> Json:
    """A commit as push webhooks show it."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "distinct": True,
        "message": one.message,
        "timestamp": one.committer_date,
        "url": f"{html_of(world, repo)}/commit/{one.sha}",
        "author": {"name": one.author_name, "email": one.author_email},
        "committer": {"name": one.committer_name, "email": one.committer_email},
        "added": [change.path for change in one.changes if change.status == "added"],
        "removed": [change.path for change in one.changes if change.status == "removed"],
        "modified": [change.path for change in one.changes if change.status not in ("added", "removed")],
    }


def simple_commit(one: Commit) -> Json:
    """A commit as check suites show it."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": one.committer_date,
        "author": {"name": one.author_name, "email": one.author_email},
        "committer": {"name": one.committer_name, "email": one.committer_email},
    }


def file_change(world: World, repo: Repository, sha: str, one: FileChange) -> Json:
    """A changed file of a pull request."""
    html = html_of(world, repo)
    shape: Json = {
        "sha": one.blob,
        "filename": one.path,
        "status": one.status,
        "additions": one.additions,
        "deletions": one.deletions,
        "changes": one.additions + one.deletions,
        "blob_url": f"{html}/blob/{sha}/{one.path}",
        "raw_url": f"{html}/raw/{sha}/{one.path}",
        "contents_url": f"{api_of(world, repo)}/contents/{one.path}?ref={sha}",
    }
    return shape | ({"patch": one.patch} if one.patch else {})


def reference(world: World, repo: Repository, ref: str, sha: str) -> Json:
    """A git reference with its commit."""
    api = api_of(world, repo)
    target = {"type": "commit", "sha": sha, "url": f"{api}/git/commits/{sha}"}
    return {"ref": ref, "node_id": node_id("Ref", int(sha[:8], 16)), "url": f"{api}/git/{ref}", "object": target}
