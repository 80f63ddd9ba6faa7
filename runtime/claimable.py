"""Which pull requests a session may be given: open ones whose branch an agent can push to through the gate."""

from runtime.errors import GoneFromForge, UserError
from runtime.ports import Forge, Pull

NO_PULL = "There is no pull request #{number} in {repo}: look for its number with `gh pr list --repo {repo}`."
NOT_OPEN = "Pull request #{number} is {state}: only an open one can be worked on. Reopen it, or name another."
FROM_ELSEWHERE = (
    "Pull request #{number} comes from another repository, where agents cannot push: push its branch to {repo}, open a "
    "pull request from there, and name that one."
)


async def claimable(forge: Forge, repo: str, number: int) -> Pull:
    """Return the pull request as it is now; `UserError` says why no session can have it."""
    try:
        pull = await forge.pull(repo, number)
    except GoneFromForge as exc:
        raise UserError(NO_PULL.format(number=number, repo=repo)) from exc
    if pull.now.state != "open":
        raise UserError(NOT_OPEN.format(number=number, state=pull.now.state))
    if not pull.same_repository:
        raise UserError(FROM_ELSEWHERE.format(number=number, repo=repo))
    return pull
