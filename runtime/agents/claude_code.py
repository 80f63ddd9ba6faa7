"""Claude Code, started with the login of the user who runs the service; all of ours is in the launch directory."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.agents import Capabilities, Task, claude_home
from runtime.agents.hooked import find, first_prompt, is_plain, meaning, own_id, put_follower, put_hook, text_of
from runtime.launch import Launch, LaunchPlace
from runtime.pushes import Prompt, Push, Ready

INSTALL = "npm install -g @anthropic-ai/claude-code, or see https://code.claude.com/docs/en/setup"

# A name that the installed version does not know opens a dialog, so only what 2.1.197 knows already.
HOOKS = (
    "SessionStart", "UserPromptSubmit", "PermissionRequest", "PostToolUse", "PostToolUseFailure", "Stop",
    "StopFailure",
)  # fmt: skip
MODES = {"bypass": "bypassPermissions", "ask": "manual"}

# No hook tells that a person pressed Escape; the transcript does.
INTERRUPTED = "[Request interrupted by user"
_FOLLOW = r'"text":"\[Request interrupted by user'

# How it marks what was pasted; the mark is random, so that pasted text cannot close it.
_PASTED = re.compile(r'<pasted_content id="(\w+)">(.*?)</pasted_content id="\1">', re.S)


class ClaudeCode:
    """Hooks say what it does; the first prompt comes with the launch."""

    name = "claude-code"
    capabilities = Capabilities(can_resume=True, takes_model=True, has_own_id=True, asks_permission=True)
    quit_keys = ("C-c", "C-c")

    def installed(self, path: str) -> str:
        """Return the program found on `path`."""
        return find("claude", path, INSTALL)

    def prepare(self, place: LaunchPlace, task: Task) -> Launch:
        """Write settings with our hooks, and let Claude Code know that the repository is trusted."""
        program = self.installed(task.env.get("PATH", os.defpath))
        claude_home.prepare(task.env, task.repository)
        settings = place.put("claude-settings.json", json.dumps(_settings(put_hook(place))))
        prompt = first_prompt(place, task)
        argv = (
            *put_follower(place, _FOLLOW), program, *(("--resume", task.resume) if task.resume else ()),
            "--settings", str(settings), "--permission-mode", MODES[task.permissions],
            *(("--model", task.model) if task.model else ()), "--", prompt,
        )  # fmt: skip
        env = {"DISABLE_AUTOUPDATER": "1"}
        if task.permissions == "bypass" and os.geteuid() == 0:
            # Else it refuses to run without prompts as root; running it so is what the configuration says.
            env["IS_SANDBOX"] = "1"
        return Launch(argv=argv, env=env, ready="prompt", prompt=prompt)

    def own_session_id(self, hook: dict[str, Any]) -> str | None:
        """Return the id under which it resumes; lines of its transcript carry none that could be trusted."""
        return own_id(hook) if "hook_event_name" in hook else None

    def remembers(self, place: LaunchPlace, env: Mapping[str, str], own: str) -> bool:
        """Tell whether the transcript is still in its home: `projects/<worktree>/<id>.jsonl`."""
        home = Path(env.get("CLAUDE_CONFIG_DIR") or Path(env.get("HOME", "/")) / ".claude")
        return is_plain(own) and any(home.glob(f"projects/*/{own}.jsonl"))

    def push_from_hook(self, hook: dict[str, Any]) -> Push | None:
        """Return what a hook, or a line of its transcript, means."""
        if _interrupted(hook):
            return Ready()
        meant = meaning(hook)
        return Prompt(text=_PASTED.sub(r"\2", meant.text)) if isinstance(meant, Prompt) else meant


def _settings(hook: str) -> dict[str, Any]:
    hooks = {name: [{"hooks": [{"type": "command", "command": f"{hook} {name}"}]}] for name in HOOKS}
    return {"skipDangerousModePermissionPrompt": True, "hooks": hooks}


def _interrupted(line: dict[str, Any]) -> bool:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    parts = content if isinstance(content, list) else []
    said = [text_of(part, "text") for part in parts if isinstance(part, dict)]
    return line.get("type") == "user" and any(text.startswith(INTERRUPTED) for text in said)


AGENT = ClaudeCode()
