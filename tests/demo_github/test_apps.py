"""Apps: manifest, installation, credentials, permissions."""

import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.demo_github.place import REPO, Person

MANIFEST = {
    "name": "My App",
    "url": "https://example.com",
    "redirect_url": "http://127.0.0.1:9/done?a=1",
    "default_permissions": {"issues": "write"},
    "default_events": ["issues"],
}


async def post_manifest(place, manifest, path="/settings/apps/new"):
    """What the browser posts."""
    return await place.anyone.post(f"{path}?state=xyz", data={"manifest": json.dumps(manifest)})


async def test_manifest_leads_back_with_a_code_that_works_once(place):
    answer = await post_manifest(place, MANIFEST)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (query["a"], query["state"]) == (["1"], ["xyz"])
    app = await place.anyone.json("POST", f"/app-manifests/{query['code'][0]}/conversions", status=201)
    assert app["slug"] == "my-app"
    assert app["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert {"id", "client_id", "client_secret", "webhook_secret", "html_url"} <= app.keys()
    await place.anyone.json("POST", f"/app-manifests/{query['code'][0]}/conversions", status=404)


async def test_manifest_of_an_organization_belongs_to_it(place):
    place.hub.add_user("acme", type="Organization")
    answer = await post_manifest(place, MANIFEST, "/organizations/acme/settings/apps/new")
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    app = await place.anyone.json("POST", f"/app-manifests/{code}/conversions", status=201)
    assert app["owner"]["login"] == "acme"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"default_events": ["push"]}, "not supported by permissions: push"),
        ({"default_events": ["installation"]}, "unsupported: installation"),
        ({"default_events": ["no_such_thing"]}, "unsupported: no_such_thing"),
        ({"url": ""}, "wasn&#39;t supplied"),
    ],
)
async def test_manifest_is_refused_as_github_refuses_it(place, change, said):
    answer = await post_manifest(place, MANIFEST | change)
    assert answer.status_code == 422
    assert said in answer.text


async def test_install_page_installs_on_the_chosen_repositories(place):
    place.hub.create_app("alice", MANIFEST)
    page = await place.anyone.get("/apps/my-app/installations/new")
    assert 'value="alice/garden"' in page.text
    await place.anyone.post("/apps/my-app/installations/new", data={"repository": "alice/garden"})
    assert [one.app.slug for one in place.hub.world.installations.values()] == ["gardener", "my-app"]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iat": 4_000_000_000}, "'iat'"),
        ({"exp": 1_000}, "'exp'"),
        ({"exp": 4_000_000_000}, "too far in the future"),
        ({"iss": "somebody"}, "Integration not found"),
    ],
)
async def test_jwt_with_wrong_claims_is_refused(place, claims, said):
    async with Person(place.hub, place.app_jwt(**claims)) as signer:
        answer = await signer.json("GET", "/app", status=401)
    assert said in answer["message"]


async def test_jwt_of_another_key_is_refused(place):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(place.app_jwt(), options={"verify_signature": False})
    async with Person(place.hub, jwt.encode(claims, key, algorithm="RS256")) as signer:
        await signer.json("GET", "/app", status=401)


async def test_installation_token_has_the_new_form_and_expires(place):
    assert place.bot.token.startswith("ghs_")
    assert place.bot.token.count(".") == 2
    assert 480 <= len(place.bot.token) <= 560
    await place.bot.json("GET", REPO, status=200)
    later = place.hub.world.now() + place.hub.world.token_life
    place.hub.world.clock = lambda: later
    await place.bot.json("GET", REPO, status=401)


async def test_narrowed_token_reaches_only_what_it_was_narrowed_to(place):
    wanted = {"permissions": {"issues": "read"}, "repositories": ["garden"]}
    async with Person(place.hub, place.app_jwt()) as signer:
        path = f"/app/installations/{place.installation}/access_tokens"
        token = await signer.json("POST", path, wanted, status=201)
        await signer.json("POST", path, {"permissions": {"administration": "write"}}, status=422)
    async with Person(place.hub, token["token"]) as narrow:
        await narrow.json("GET", f"{REPO}/issues", status=200)
        refused = await narrow.json("POST", f"{REPO}/issues", {"title": "x"}, status=403)
        assert refused["message"] == "Resource not accessible by integration"


async def test_app_reaches_no_repository_it_is_not_installed_on(place):
    place.hub.add_repository("alice", "meadow", files={"a": "b"})
    place.hub.add_repository("alice", "secret", files={"a": "b"}, private=True)
    await place.bot.json("GET", "/repos/alice/meadow/issues", status=403)
    await place.bot.json("GET", "/repos/alice/secret/issues", status=404)
    place.hub.install("gardener", ["alice/secret"])
    await place.hub.idle()
    assert place.inbox.payloads("installation_repositories.added")[0]["repositories_added"][0]["name"] == "secret"


async def test_check_runs_are_for_apps_only(place):
    sha = (await place.alice.json("GET", f"{REPO}/branches/main"))["commit"]["sha"]
    refused = await place.alice.json("POST", f"{REPO}/check-runs", {"name": "x", "head_sha": sha}, status=403)
    assert refused["message"] == "You must authenticate via a GitHub App."


async def test_only_its_own_app_changes_a_check_run(place):
    sha = (await place.alice.json("GET", f"{REPO}/branches/main"))["commit"]["sha"]
    run = await place.bot.json("POST", f"{REPO}/check-runs", {"name": "x", "head_sha": sha}, status=201)
    other = place.hub.create_app("alice", MANIFEST | {"default_permissions": {"checks": "write", "issues": "read"}})
    made = place.hub.install(other["slug"], ["alice/garden"])
    now = int(place.hub.world.now().timestamp())
    signed = jwt.encode({"iat": now, "exp": now + 60, "iss": str(other["id"])}, other["pem"], algorithm="RS256")
    async with Person(place.hub, signed) as signer:
        token = await signer.json("POST", f"/app/installations/{made.id}/access_tokens", status=201)
    async with Person(place.hub, token["token"]) as stranger:
        await stranger.json("PATCH", f"{REPO}/check-runs/{run['id']}", {"conclusion": "success"}, status=403)
