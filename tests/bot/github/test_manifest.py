"""The App that `ao setup` makes."""

import json
import stat

import httpx
import pytest

from bot.github import manifest
from bot.github.gate import Gate
from bot.github.manifest import AppCredentials, build_manifest, convert, create_labels, form_address
from bot.github.roots import Roots
from runtime.errors import ConfigError, ForgeRefused, UserError

MADE = {
    "id": 77, "slug": "gardener", "client_id": "Iv1.x", "client_secret": "cs", "webhook_secret": "ws",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\n", "html_url": "https://github.com/apps/gardener", "owner": {},
}  # fmt: skip


@pytest.fixture
def nobody(wire, time):
    return wire.connect(manifest.anonymous(Gate(time, time.sleep)), Roots.of())


def test_the_manifest_is_the_file_with_our_addresses(tmp_path):
    (tmp_path / "app.yaml").write_text("name: ao\npublic: false\ndefault_events: [issues]\n")
    urls = {"webhook_url": "https://h/webhook", "redirect_url": "http://127.0.0.1:1/r", "homepage": "https://p"}
    assert build_manifest(tmp_path / "app.yaml", name="mine", **urls) == {
        "name": "mine", "public": False, "default_events": ["issues"], "url": "https://p",
        "hook_attributes": {"url": "https://h/webhook", "active": True}, "redirect_url": "http://127.0.0.1:1/r",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("organization", "address"),
    [
        (None, "https://github.com/settings/apps/new?state=a%26b"),
        ("my org", "https://github.com/organizations/my%20org/settings/apps/new?state=a%26b"),
    ],
)
def test_the_form_is_where_the_owner_is(organization, address):
    assert form_address("https://github.com", state="a&b", organization=organization) == address


async def test_a_code_becomes_credentials_for_the_owner_only(nobody, api, tmp_path):
    route = api.post("/app-manifests/c%2F1/conversions").respond(201, json=MADE)
    made = await convert(nobody, "c/1", tmp_path / "github-app")
    assert "authorization" not in route.calls.last.request.headers
    assert (made.id, made.webhook_secret, made.key_file.read_text()) == (77, "ws", MADE["pem"])
    assert made == AppCredentials.load(tmp_path / "github-app")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "github-app").iterdir()}
    assert modes == {"app.json": 0o600, "private-key.pem": 0o600}
    assert stat.S_IMODE((tmp_path / "github-app").stat().st_mode) == 0o700
    assert "ws" not in repr(made)
    assert "cs" not in repr(made)


async def test_storing_again_replaces_what_was_there(tmp_path):
    manifest.store(MADE, tmp_path)
    manifest.store(MADE | {"id": 78}, tmp_path)
    assert AppCredentials.load(tmp_path).id == 78


@pytest.mark.parametrize("status", [404, 422])
async def test_an_old_code_says_what_to_do(nobody, api, tmp_path, status):
    api.post("/app-manifests/c/conversions").respond(status)
    with pytest.raises(UserError, match="ao setup"):
        await convert(nobody, "c", tmp_path)


def test_nothing_stored_is_none(tmp_path):
    assert AppCredentials.load(tmp_path / "none") is None


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"id": "x"})])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "app.json").write_text(content)
    with pytest.raises(ConfigError, match=r"app\.json"):
        AppCredentials.load(tmp_path)


async def test_labels_that_exist_are_left_alone(github, api):
    def answer(request):
        name = json.loads(request.content)["name"]
        exists = {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
        return httpx.Response(422, json=exists) if name == "agent" else httpx.Response(201, json={})

    api.post("/repos/o/r/labels").mock(side_effect=answer)
    new = await create_labels(github, "o/r", {"agent": "Starts an agent", "agent:done": "Merged" * 100})
    assert new == ["agent:done"]


async def test_labels_may_not_be_ours_to_make(github, api):
    api.post("/repos/o/r/labels").respond(403, json={"message": "no"})
    with pytest.raises(ForgeRefused):
        await create_labels(github, "o/r", {"agent": ""})
