"""A model that plays a script: what Claude Code and Codex talk to in these tests, over their own protocols.

The first step whose expression is found in the newest words of the user decides. Its actions come one after the
other, a tool call ending each answer; the place in the script is the number of tool results since those words.
"""

import asyncio
import contextlib
import json
import re
import uuid
from typing import Any

from aiohttp import web

Step = tuple[str, list[dict[str, Any]]]
ADDED = re.compile(r"\s*<(system-reminder|environment_context|user_instructions)\b.*?</\1>\s*", re.S)
STEPS = web.AppKey("steps", list[Step])


def application(steps: list[Step]) -> web.Application:
    """Return the server's application; an action is `say`, `shell`, `ask` (a shell call to be approved), `slow` or
    `error`."""  # fmt: skip
    app = web.Application(client_max_size=1 << 24)
    app[STEPS] = steps
    app.router.add_post("/v1/messages", _anthropic)
    app.router.add_post("/v1/responses", _openai)
    app.router.add_route("*", "/{rest:.*}", _anything)
    return app


async def _anything(request: web.Request) -> web.Response:
    return web.json_response({"data": [], "models": [], "input_tokens": 1})


def _action(steps: list[Step], said: list[tuple[str, str]]) -> dict[str, Any]:
    """Return what comes next after what was said: pairs of a role and a text."""
    text, results = "", 0
    for role, words in said:
        if role == "result":
            results += 1
        elif role == "user" and (words := ADDED.sub("", words)).strip():  # without what agents add
            text, results = words, 0
    for match, actions in steps:
        if found := re.search(match, text, re.S):
            action = actions[results] if results < len(actions) else {"say": "Done."}
            return {name: _filled(value, found) for name, value in action.items()}
    return {"say": f"ACK: {text[:60]}"}


def _filled(value: Any, found: re.Match[str]) -> Any:
    if not isinstance(value, str):
        return value
    return re.sub(r"\{\{(\d)\}\}", lambda group: found[int(group[1])], value)


async def _stream(request: web.Request) -> tuple[web.StreamResponse, Any]:
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(request)

    async def event(kind: str, **value: Any) -> None:
        with contextlib.suppress(ConnectionError):  # a person has interrupted the agent
            await answer.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **value})}\n\n".encode())

    return answer, event


def _name(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:20]}"


def _error(action: dict[str, Any]) -> web.Response:
    about = {"type": "invalid_request_error", "code": "invalid_request_error", "message": "scripted error"}
    return web.json_response({"type": "error", "error": about}, status=action["error"])


async def _anthropic(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    said = []
    for message in asked["messages"]:
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] in ("text", "tool_result"):
                said.append(("result" if part["type"] == "tool_result" else message["role"], part.get("text", "")))
    action = _action(request.app[STEPS], said) if asked.get("tools") else {"say": "A title"}
    if "error" in action:
        return _error(action)
    usage = {"input_tokens": 10, "output_tokens": 1}
    start = {
        "id": _name("msg"), "type": "message", "role": "assistant", "model": asked["model"], "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    if not asked.get("stream"):
        text = {"type": "text", "text": action.get("say", "")}
        return web.json_response({**start, "content": [text], "stop_reason": "end_turn"})
    answer, event = await _stream(request)
    await event("message_start", message=start)
    command = action.get("shell") or action.get("ask")
    if command:
        block = {"type": "tool_use", "id": _name("toolu"), "name": "Bash", "input": {}}
        given = json.dumps({"command": command, "description": "a scripted step"})
        deltas = [{"type": "input_json_delta", "partial_json": given}]
    else:
        block, deltas = (
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": piece} for piece in _words(action)],
        )
    await event("content_block_start", index=0, content_block=block)
    for delta in deltas:
        await event("content_block_delta", index=0, delta=delta)
        await asyncio.sleep(0.1 if "slow" in action else 0)
    await event("content_block_stop", index=0)
    reason = {"stop_reason": "tool_use" if command else "end_turn", "stop_sequence": None}
    await event("message_delta", delta=reason, usage={"output_tokens": 2})
    await event("message_stop")
    return answer


async def _openai(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    said = []
    for item in asked["input"]:
        if item.get("type", "message") == "message":
            said += [(item["role"], part.get("text", "")) for part in item["content"]]
        elif item["type"].endswith("_output"):
            said.append(("result", ""))
    action = _action(request.app[STEPS], said) if asked.get("tools") else {"say": "A title"}
    if "error" in action:
        return _error(action)
    answer, event = await _stream(request)
    whole = {"id": _name("resp"), "object": "response", "created_at": 0, "model": asked["model"], "output": []}
    await event("response.created", response={**whole, "status": "in_progress"})
    command = action.get("shell") or action.get("ask")
    if command:
        escalated = {"sandbox_permissions": "require_escalated", "justification": "a scripted step"}
        given = json.dumps({"cmd": command, **(escalated if "ask" in action else {})})
        item = {"type": "function_call", "id": _name("fc"), "call_id": _name("call"), "name": "exec_command",
                "arguments": given, "status": "completed"}  # fmt: skip
        await event("response.output_item.added", output_index=0, item={**item, "arguments": ""})
    else:
        item = {"type": "message", "id": _name("msg"), "role": "assistant", "status": "completed", "content": []}
        await event("response.output_item.added", output_index=0, item=item)
        for piece in _words(action):
            about = {"item_id": item["id"], "output_index": 0, "content_index": 0}
            await event("response.output_text.delta", **about, delta=piece)
            await asyncio.sleep(0.1 if "slow" in action else 0)
        item["content"] = [{"type": "output_text", "text": "".join(_words(action)), "annotations": []}]
    await event("response.output_item.done", output_index=0, item=item)
    usage = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    await event("response.completed", response={**whole, "status": "completed", "output": [item], "usage": usage})
    return answer


def _words(action: dict[str, Any]) -> list[str]:
    return [f"w{number} " for number in range(action["slow"])] if "slow" in action else [action.get("say", "")]
