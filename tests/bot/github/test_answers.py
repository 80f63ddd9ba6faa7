"""What an answer means."""

import json

import pytest

from bot.github.answers import Answer, Limited, Uncertain, objection, pause_after
from runtime.errors import ForgeRefused, GoneFromForge

DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # 1800000000
NOW = 1_800_000_500.0  # our clock is ahead of the server's


def answer(status, body="", **headers):
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 304])
def test_success_is_no_objection(status):
    assert objection(answer(status), "GET /x") is None


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(404), GoneFromForge),
        (answer(410), GoneFromForge),
        (answer(451), GoneFromForge),
        (answer(401), ForgeRefused),
        (answer(403, '{"message": "Resource not accessible by integration"}'), ForgeRefused),
        (answer(422, '{"message": "Validation Failed", "errors": [{"message": "no commits"}]}'), ForgeRefused),
        (answer(429), Limited),
        (answer(403, retry_after="3"), Limited),
        (answer(403, x_ratelimit_remaining="0"), Limited),
        (answer(403, '{"message": "You have exceeded a secondary rate limit."}'), Limited),
        (answer(500), Uncertain),
        (answer(502, "<html>bad gateway</html>", content_type="application/json"), Uncertain),
        (answer(499), Uncertain),
        (answer(299), Uncertain),
    ],
)
def test_each_status_has_its_error(given, kind):
    assert type(objection(given, "GET /x")) is kind


def test_refusal_repeats_what_github_said():
    body = json.dumps({"message": "Validation Failed", "errors": ["plain", {"message": "No commits between a and b"}]})
    problem = objection(answer(422, body), "POST /pulls")
    assert str(problem) == "GitHub refused POST /pulls: 422 Validation Failed plain No commits between a and b"
    assert problem.status == 422


@pytest.mark.parametrize("body", ["[1]", "null", "", "{", '{"message": "x", "errors": null}'])
def test_refusal_survives_any_body(body):
    assert isinstance(objection(answer(400, body), "GET /x"), ForgeRefused)


@pytest.mark.parametrize(
    ("given", "strikes", "seconds"),
    [
        (answer(403, retry_after="17", x_ratelimit_remaining="0", x_ratelimit_reset="1800000100", date=DATE), 0, 17),
        (answer(403, x_ratelimit_remaining="0", x_ratelimit_reset="1800000100", date=DATE), 0, 101),
        (answer(403, x_ratelimit_remaining="0", x_ratelimit_reset="1799999000", date=DATE), 0, 1),
        (answer(403, x_ratelimit_remaining="0", x_ratelimit_reset="1800000600"), 0, 101),
        (answer(429), 0, 60),
        (answer(429, retry_after="soon"), 1, 120),
        (answer(429), 2, 240),
        (answer(429), 50, 3840),
    ],
)
def test_pause_is_what_github_asks_for_else_a_minute_doubling(given, strikes, seconds):
    assert pause_after(given, strikes, NOW) == seconds
