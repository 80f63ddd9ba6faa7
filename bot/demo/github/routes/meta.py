"""What says something about the server or about people: root, limits, addresses, users."""

from __future__ import annotations

from bot.demo.github.api import VERSIONS
from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.shapes import people
from bot.demo.github.world import RATE_LIMIT

rest = Table()

ROOT = {
    "current_user_url": "user",
    "current_user_authorizations_html_url": "settings/connections/applications{/client_id}",
    "authorizations_url": "authorizations",
    "code_search_url": "search/code?q={query}{&page,per_page,sort,order}",
    "commit_search_url": "search/commits?q={query}{&page,per_page,sort,order}",
    "emails_url": "user/emails",
    "emojis_url": "emojis",
    "events_url": "events",
    "feeds_url": "feeds",
    "followers_url": "user/followers",
    "following_url": "user/following{/target}",
    "gists_url": "gists{/gist_id}",
    "issue_search_url": "search/issues?q={query}{&page,per_page,sort,order}",
    "issues_url": "issues",
    "keys_url": "user/keys",
    "label_search_url": "search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications_url": "notifications",
    "organization_url": "orgs/{org}",
    "organization_repositories_url": "orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams_url": "orgs/{org}/teams",
    "public_gists_url": "gists/public",
    "rate_limit_url": "rate_limit",
    "repository_url": "repos/{owner}/{repo}",
    "repository_search_url": "search/repositories?q={query}{&page,per_page,sort,order}",
    "current_user_repositories_url": "user/repos{?type,page,per_page,sort}",
    "starred_url": "user/starred{/owner}{/repo}",
    "starred_gists_url": "gists/starred",
    "user_url": "users/{user}",
    "user_organizations_url": "user/orgs",
    "user_repositories_url": "users/{user}/repos{?type,page,per_page,sort}",
    "user_search_url": "search/users?q={query}{&page,per_page,sort,order}",
}


@rest("GET", "/")
async def root(call: Call) -> Answer:
    """List the addresses; the page of the same address is for browsers."""
    return Answer(200, {name: f"{call.world.url}/{path}" for name, path in ROOT.items()})


@rest("GET", "/meta")
async def meta(call: Call) -> Answer:
    """Where webhooks come from: here always this machine."""
    return Answer(200, {"verifiable_password_authentication": False, "hooks": ["127.0.0.0/8", "::1/128"]})


@rest("GET", "/versions")
async def versions(call: Call) -> Answer:
    """The API versions understood."""
    return Answer(200, list(VERSIONS))


@rest("GET", "/rate_limit")
async def rate_limit(call: Call) -> Answer:
    """Where the caller stands; asking is free."""
    rate = call.world.rate(call.caller.name)
    left = {"limit": RATE_LIMIT, "remaining": max(RATE_LIMIT - rate.used, 0), "used": rate.used}
    one = {**left, "reset": int(rate.resets_at.timestamp())}
    return Answer(200, {"resources": {"core": one, "graphql": one, "search": one}, "rate": one})


@rest("GET", "/user", who="person")
async def myself(call: Call) -> Answer:
    """The owner of the token."""
    return Answer(200, people.full_user(call.world, call.caller.user))


@rest("GET", "/users/{login}")
async def user(call: Call) -> Answer:
    """Anybody."""
    return Answer(200, people.full_user(call.world, call.world.user(call.text("login"))))
