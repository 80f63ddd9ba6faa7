"""Where the parts of one GitHub live, derived from its REST root."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime.errors import ConfigError

PUBLIC = "https://api.github.com"


@dataclass(frozen=True)
class Roots:
    """The addresses of one GitHub; none ends with a slash."""

    rest: str
    graphql: str
    web: str

    @classmethod
    def of(cls, rest: str = PUBLIC) -> "Roots":
        """Derive the others from the REST root: github.com, a GitHub Enterprise Server, or one local origin."""
        rest = rest.rstrip("/")
        parts = urlsplit(rest)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ConfigError(f"AO_GITHUB_API_URL: {rest!r} is no REST root; use for example {PUBLIC}")
        origin = f"{parts.scheme}://{parts.netloc}"
        if rest == PUBLIC:
            return cls(rest, f"{rest}/graphql", "https://github.com")
        if parts.path == "/api/v3":
            return cls(rest, f"{origin}/api/graphql", origin)
        return cls(rest, f"{rest}/graphql", origin)

    def clone(self, repo: str) -> str:
        """Return the address git clones `owner/name` from."""
        return f"{self.web}/{repo}.git"
