"""What sessions and stories ask of a forge, in words that no particular forge owns."""

from dataclasses import dataclass
from typing import Any, Protocol

from runtime.facts import PullRequest
from runtime.git import Remote


@dataclass(frozen=True)
class ReviewComment:
    """One comment of a review; `line` is None when the code it was about has changed or it is about the file."""

    id: int
    path: str
    line: int | None
    side: str
    body: str
    diff_hunk: str
    in_reply_to: int | None
    author: str
    url: str

    @property
    def thread(self) -> int:
        """Return the comment that a reply must be addressed to."""
        return self.in_reply_to or self.id


@dataclass(frozen=True)
class Issue:
    """An issue as it is now; the forge counts pull requests among them."""

    number: int
    title: str
    body: str
    state: str
    url: str
    author: str
    is_pull: bool = False


@dataclass(frozen=True)
class Pull:
    """A pull request as it is now, and where its branch is."""

    now: PullRequest
    body: str = ""
    same_repository: bool = True


class Forge(Protocol):
    """Reads, and the few writes whose answer is needed at once; all others go through the outbox.

    Every method raises `ForgeBusy` to be asked again later, and `GoneFromForge` or `ForgeRefused` for good.
    """

    async def remote(self, repo: str) -> Remote:
        """Return how git reaches `repo` now; ask again for each run, the header ages."""

    def clone_url(self, repo: str) -> str:
        """Return the address of `repo` for git, without a credential."""

    async def default_branch(self, repo: str) -> str:
        """Return the branch that pull requests are made against."""

    async def pull_request(self, repo: str, number: int) -> PullRequest:
        """Return the pull request as it is now, `at` being its last change."""

    async def issue(self, repo: str, number: int) -> Issue:
        """Return the issue as it is now."""

    async def pull(self, repo: str, number: int) -> Pull:
        """Return the pull request as it is now, with what counts when a session is to take it over."""

    async def review_comments(self, repo: str, number: int, review_id: int) -> list[ReviewComment]:
        """Return the comments of one review, oldest first."""

    async def failed_log(self, repo: str, check_run_id: int) -> str:
        """Return annotations and the end of the log, bounded; empty when the forge has none to give."""

    async def gh_read(self, repo: str, path: str) -> Any:
        """Return one allowed GET of this repository as data; `NotAllowed` for any other."""

    async def edit_pull_request(
        self, repo: str, number: int, *, title: str | None = None, body: str | None = None
    ) -> None:
        """Change title or text of a pull request."""
