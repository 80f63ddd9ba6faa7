"""Where the parts of one GitHub live."""

import pytest

from bot.github.roots import Roots
from runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("rest", "graphql", "clone"),
    [
        ("https://api.github.com", "https://api.github.com/graphql", "https://github.com/o/r.git"),
        ("https://api.github.com/", "https://api.github.com/graphql", "https://github.com/o/r.git"),
        ("https://git.example.org/api/v3", "https://git.example.org/api/graphql", "https://git.example.org/o/r.git"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/graphql", "http://127.0.0.1:8000/o/r.git"),
    ],
)
def test_other_addresses_follow_from_the_rest_root(rest, graphql, clone):
    roots = Roots.of(rest)
    assert (roots.graphql, roots.clone("o/r")) == (graphql, clone)


@pytest.mark.parametrize("rest", ["", "api.github.com", "ftp://x", "https://", "https://x?y=1"])
def test_what_is_no_root_is_refused_by_name(rest):
    with pytest.raises(ConfigError, match="AO_GITHUB_API_URL"):
        Roots.of(rest)
