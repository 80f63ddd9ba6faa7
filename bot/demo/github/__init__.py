"""A GitHub of one's own: what the bot and a person with curl need of GitHub, in one process.

It shares no code with the bot, so that it does not share its misunderstandings. State is in memory, code in bare
git repositories. Everything else behaves like GitHub: REST (also under `/api/v3`), GraphQL, git over HTTP, signed
webhooks, apps and tokens, continuous integration, pages to watch.

What is clicked on GitHub is a JSON control plane here, open to everybody who reaches the server:

    POST   /_local/users {login, type}                            an account; answers its token
    POST   /_local/repositories {owner, name, files, private}     files: {path: text}
    POST   /_local/forks {repository, owner}
    POST   /_local/roles {repository, login, role}                none read triage write maintain admin
    POST   /_local/apps {owner, manifest}                         answers id, pem, webhook_secret ...
    POST   /_local/apps/{slug}/installations {account, repositories}
    POST   /_local/installations/{id}/repositories {add, remove}
    POST   /_local/check-runs/{id}/actions {identifier, login}    press a check's button
    POST   /_local/review-comments/{id}/resolve {repository, login, resolved}
    GET    /_local/deliveries[?full=1]                            webhooks sent
    GET    /_local/requests, /_local/counts                       requests that arrived, and by whom
    DELETE /_local/requests                                       forget them
    GET    /_local/faults, POST {kind, times, match, ...}, DELETE troubles: `faults.Faults.add` tells which
    POST   /_local/idle                                           answers when nothing is going on any more
"""

from bot.demo.github.faults import Fault, Faults
from bot.demo.github.hub import LocalGitHub

__all__ = ["Fault", "Faults", "LocalGitHub"]
