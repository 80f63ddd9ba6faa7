"""Issues, the labels on them, their comments, and reactions to all of it."""

from __future__ import annotations

from bot.demo.github.callers import ROLES
from bot.demo.github.calls import Answer, Call, Table
from bot.demo.github.changes import comments, issues, labels
from bot.demo.github.changes.reviews import find_comment as find_review_comment
from bot.demo.github.people import User
from bot.demo.github.records import Comment, Issue, Reaction
from bot.demo.github.refusals import Refusal, invalid, not_found
from bot.demo.github.shapes import issues as shapes
from bot.demo.github.shapes.common import CONTENTS
from bot.demo.github.shapes.repositories import label as label_shape

rest = Table()
ISSUES = "/repos/{owner}/{repo}/issues"
EITHER = "issues|pull_requests"
LONGEST_BODY = 65_536


def checked_body(call: Call, resource: str) -> str:
    """The text of a comment: required, and not longer than GitHub takes."""
    body = call.string("body", resource=resource)
    if len(body) > LONGEST_BODY:
        raise invalid(resource, "body", message=f"body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _may_triage(call: Call) -> bool:
    if call.caller.writing_app is not None:
        return True
    return ROLES.index(call.repo.role(call.caller.user)) >= ROLES.index("triage")


def _people(call: Call) -> list[User]:
    return [call.world.user(login) for login in call.strings("assignees")]


def _shape(call: Call, issue: Issue) -> Answer:
    return Answer(200, shapes.issue(call.world, call.repo, issue))


@rest("POST", ISSUES, needs="issues:write")
async def create(call: Call) -> Answer:
    """Open an issue; labels and assignees of people below triage are ignored, as on GitHub."""
    triage = _may_triage(call)
    issue = issues.open_issue(
        call.world,
        call.repo,
        call.caller.user,
        call.string("title", resource="Issue"),
        call.body.get("body"),
        label_names=call.strings("labels") if triage else [],
        assignees=_people(call) if triage else [],
        app=call.caller.writing_app,
    )
    return Answer(201, shapes.issue(call.world, call.repo, issue))


@rest("GET", ISSUES, needs="issues:read")
async def listing(call: Call) -> Answer:
    """Issues and pull requests, newest first, by state, labels, assignee or creator."""
    wanted = {name.lower() for name in call.query("labels").split(",") if name}
    state, creator, assignee = call.query("state", "open"), call.query("creator"), call.query("assignee")

    def fits(issue: Issue) -> bool:
        return (
            (state == "all" or issue.state == state)
            and wanted <= {label.name.lower() for label in issue.labels}
            and (not creator or issue.user.login == creator)
            and (not assignee or assignee in [person.login for person in issue.assignees])
        )

    found = [issue for issue in reversed(call.repo.issues.values()) if fits(issue)]
    return call.page(found, lambda issue: shapes.issue(call.world, call.repo, issue))


@rest("GET", f"{ISSUES}/{{number}}", needs=f"{EITHER}:read")
async def get(call: Call) -> Answer:
    """One issue or pull request."""
    return _shape(call, call.issue)


@rest("PATCH", f"{ISSUES}/{{number}}", needs=f"{EITHER}:write")
async def update(call: Call) -> Answer:
    """Change title, body, labels, assignees or state; people below triage only their own issues' texts and state."""
    issue, actor, triage = call.issue, call.caller.user, _may_triage(call)
    if not triage and issue.user is not actor:
        raise Refusal(403, "Must have triage rights to Repository.")
    common = (call.world, call.repo, issue, actor)
    texts = {name: call.body[name] for name in ("title", "body") if name in call.body}
    issues.edit(*common, **texts)
    if triage and "labels" in call.body:
        issues.set_labels(*common, call.strings("labels"))
    if triage and "assignees" in call.body:
        issues.set_assignees(*common, _people(call))
    if call.body.get("state") == "closed":
        issues.close(*common, call.body.get("state_reason"))
    elif call.body.get("state") == "open":
        issues.reopen(*common)
    return _shape(call, issue)


@rest("POST", f"{ISSUES}/{{number}}/assignees", needs=f"{EITHER}:write", role="triage")
async def add_assignees(call: Call) -> Answer:
    """Add assignees; who cannot be assigned is left out without a word, as on GitHub."""
    known = {login.lower(): user for login, user in call.world.users.items()}
    named = [known[login.lower()] for login in call.strings("assignees") if login.lower() in known]
    people = [one for one in named if ROLES.index(call.repo.role(one)) >= ROLES.index("triage")]
    everyone = [*call.issue.assignees, *people]
    issues.set_assignees(call.world, call.repo, call.issue, call.caller.user, everyone)
    return Answer(201, shapes.issue(call.world, call.repo, call.issue))


@rest("GET", f"{ISSUES}/{{number}}/labels", needs=f"{EITHER}:read")
async def labels_on(call: Call) -> Answer:
    """The labels on an issue."""
    return call.page(call.issue.labels, lambda each: label_shape(call.world, call.repo, each))


@rest("POST", f"{ISSUES}/{{number}}/labels", needs=f"{EITHER}:write", role="triage")
async def add_labels(call: Call) -> Answer:
    """Add labels; a bare list of names is taken too."""
    if "" in call.body:
        call.body = {"labels": call.body[""]}
    issues.add_labels(call.world, call.repo, call.issue, call.caller.user, call.strings("labels"))
    return await labels_on(call)


@rest("PUT", f"{ISSUES}/{{number}}/labels", needs=f"{EITHER}:write", role="triage")
async def set_labels(call: Call) -> Answer:
    """Make these the labels."""
    issues.set_labels(call.world, call.repo, call.issue, call.caller.user, call.strings("labels"))
    return await labels_on(call)


@rest("DELETE", f"{ISSUES}/{{number}}/labels/{{name}}", needs=f"{EITHER}:write", role="triage")
async def remove_label(call: Call) -> Answer:
    """Take a label away; 404 when it is not there."""
    label = labels.get(call.repo, call.text("name"))
    if label not in call.issue.labels:
        raise Refusal(404, "Label does not exist")
    issues.remove_label(call.world, call.repo, call.issue, call.caller.user, label)
    return await labels_on(call)


@rest("GET", f"{ISSUES}/{{number}}/comments", needs=f"{EITHER}:read")
async def list_comments(call: Call) -> Answer:
    """The conversation, oldest first."""
    return call.page(call.issue.comments, lambda said: shapes.comment(call.world, call.repo, call.issue, said))


@rest("POST", f"{ISSUES}/{{number}}/comments", needs=f"{EITHER}:write")
async def add_comment(call: Call) -> Answer:
    """Say something."""
    body, app = checked_body(call, "IssueComment"), call.caller.writing_app
    said = comments.add(call.world, call.repo, call.issue, call.caller.user, body, app)
    return Answer(201, shapes.comment(call.world, call.repo, call.issue, said))


def _said(call: Call) -> tuple[Issue, Comment]:
    for issue in call.repo.issues.values():
        for said in issue.comments:
            if said.id == call.number("comment_id"):
                return issue, said
    raise not_found()


def _own(call: Call, said: Comment) -> None:
    mine = said.user is call.caller.user
    if not mine and (call.caller.writing_app or ROLES.index(call.repo.role(call.caller.user)) < ROLES.index("write")):
        raise Refusal(403, "Must have write rights to Repository.")


@rest("GET", f"{ISSUES}/comments/{{comment_id}}", needs=f"{EITHER}:read")
async def comment(call: Call) -> Answer:
    """One comment."""
    return Answer(200, shapes.comment(call.world, call.repo, *_said(call)))


@rest("PATCH", f"{ISSUES}/comments/{{comment_id}}", needs=f"{EITHER}:write")
async def edit_comment(call: Call) -> Answer:
    """Change what was said."""
    issue, said = _said(call)
    _own(call, said)
    comments.edit(call.world, call.repo, issue, said, call.caller.user, checked_body(call, "IssueComment"))
    return Answer(200, shapes.comment(call.world, call.repo, issue, said))


@rest("DELETE", f"{ISSUES}/comments/{{comment_id}}", needs=f"{EITHER}:write")
async def delete_comment(call: Call) -> Answer:
    """Take back what was said."""
    issue, said = _said(call)
    _own(call, said)
    comments.delete(call.world, call.repo, issue, said, call.caller.user)
    return Answer(204)


def _reactions(call: Call) -> list[Reaction]:
    if "number" in call.request.path_params:
        return call.issue.reactions
    if "review_comment_id" in call.request.path_params:
        return find_review_comment(call.repo, call.number("review_comment_id"))[1].reactions
    return _said(call)[1].reactions


REACTED = (
    (f"{ISSUES}/{{number}}/reactions", EITHER),
    (f"{ISSUES}/comments/{{comment_id}}/reactions", EITHER),
    ("/repos/{owner}/{repo}/pulls/comments/{review_comment_id}/reactions", "pull_requests"),
)


async def react(call: Call) -> Answer:
    """Add a reaction: 201 when it is new, 200 when it was there."""
    content = call.string("content", resource="Reaction")
    if content not in CONTENTS:
        raise invalid("Reaction", "content")
    reaction, new = comments.react(call.world, _reactions(call), call.caller.user, content)
    return Answer(201 if new else 200, shapes.reaction(call.world, reaction))


async def list_reactions(call: Call) -> Answer:
    """The reactions to something."""
    wanted = call.query("content")
    found = [one for one in _reactions(call) if wanted in ("", one.content)]
    return call.page(found, lambda one: shapes.reaction(call.world, one))


async def remove_reaction(call: Call) -> Answer:
    """Take a reaction back."""
    reactions = _reactions(call)
    for one in reactions:
        if one.id == call.number("reaction_id") and one.user is call.caller.user:
            reactions.remove(one)
            return Answer(204)
    raise not_found()


for _path, _permission in REACTED:
    rest("POST", _path, needs=f"{_permission}:write")(react)
    rest("GET", _path, needs=f"{_permission}:read")(list_reactions)
    rest("DELETE", f"{_path}/{{reaction_id}}", needs=f"{_permission}:write")(remove_reaction)
