"""The pages that a person watches."""

import pytest

from bot.demo.github.pages import words
from tests.demo_github import git
from tests.demo_github.place import REPO

STATUS = """<!-- ao:status:g-1 -->
### Working

| | |
|---|---|
| Branch | `work` |

<details><summary>More</summary>

see #1

</details>

<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) `<details>`"""


async def test_status_comment_is_shown_without_its_marker_and_harmless(place):
    await place.bob.json("POST", f"{REPO}/issues", {"title": "<b>Greet</b>", "body": STATUS, "labels": ["agent"]})
    page = await place.anyone.get("/alice/garden/issues/1")
    assert page.status_code == 200
    assert "ao:status" not in page.text
    assert "&lt;b&gt;Greet&lt;/b&gt;" in page.text
    assert "<details><summary>More</summary>" in page.text
    assert "<code>&lt;details&gt;</code>" in page.text
    assert '<a href="/alice/garden/issues/1">#1</a>' in page.text
    for bad in ("<script", "<img src=x", 'href="javascript:'):
        assert bad not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


async def test_pull_request_page_tells_its_story(place, tmp_path):
    clone = await git.clone(place.bot, tmp_path / "clone")
    await git.push(clone, "work", {"app.py": "one\n"}, "Shorten it")
    await place.bot.json("POST", f"{REPO}/pulls", {"title": "Shorten", "head": "work", "base": "main"}, status=201)
    comments = [{"path": "app.py", "line": 1, "body": "why **one**?"}]
    review = {"event": "REQUEST_CHANGES", "body": "Hm", "comments": comments}
    await place.alice.json("POST", f"{REPO}/pulls/1/reviews", review, status=200)
    await place.hub.idle()
    page = (await place.anyone.get("/alice/garden/pull/1")).text
    for part in ("Shorten it", "requested changes", "why <strong>one</strong>?", "app.py:1", 'title="failure"', "+one"):
        assert part in page
    moved = await place.anyone.get("/alice/garden/issues/1")
    assert moved.headers["location"] == "/alice/garden/pull/1"
    run = next(run for run in place.hub.world.repository("alice/garden").suites[-1].runs)
    assert "there is no greeting" in (await place.anyone.get(f"/alice/garden/runs/{run.id}")).text
    assert "-line 1" in (await place.anyone.get("/alice/garden/pull/1/files")).text


@pytest.mark.parametrize(
    ("path", "part"),
    [("/", "garden"), ("/alice/garden", "app.py"), ("/_pages/style.css", "prefers-color-scheme"),
     ("/alice/garden/issues/7", "404"), ("/alice/none", "404")],
)  # fmt: skip
async def test_browser_gets_pages_where_programs_get_json(place, path, part):
    page = await place.anyone.get(path, headers={"Accept": "text/html"})
    assert part in page.text
    assert (page.status_code == 404) == (part == "404")


@pytest.mark.parametrize(("color", "ink"), [("ffffff", "#1f2328"), ("000000", "#ffffff"), ("red;}", "#1f2328")])
def test_label_can_be_read_on_its_color(color, ink):
    assert words.ink(color) == ink
