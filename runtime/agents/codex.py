"""Codex, started with the login of the user who runs the service; nothing is written outside the launch directory."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.agents import Capabilities, Task
from runtime.agents.hooked import find, first_prompt, is_plain, meaning, own_id, put_follower, put_hook, text_of
from runtime.errors import UserError
from runtime.launch import Launch, LaunchPlace
from runtime.pushes import Blocked, Push

INSTALL = "npm install -g @openai/codex, or see https://developers.openai.com/codex/cli"
NO_LOGIN = (
    "Codex has no login here ({home}): run `codex login` once as this user, or give the project a key of its own, "
    "`env: {{OPENAI_API_KEY: ...}}`."
)
UNREADABLE = "{file} is not TOML ({why}): correct it, `codex` does not start with it either."

HOOKS = ("SessionStart", "UserPromptSubmit", "PermissionRequest", "PostToolUse", "Stop", "Interrupt")
# workspace-write makes .git read-only, so that nothing can be committed: knowledge of 0.169.0.
MODES = {"bypass": ("never", "danger-full-access"), "ask": ("on-request", "workspace-write")}

# No hook tells that a turn ended with an error; what it records of the session does.
_FOLLOW = r'"type":"task_complete".*"error":{'


class Codex:
    """Hooks say what it does, once it has a first prompt: before that it is silent."""

    name = "codex"
    # Enter while it is busy cuts its stream off; Tab queues.
    capabilities = Capabilities(
        can_resume=True, takes_model=True, has_own_id=True, asks_permission=True, queue_key="Tab"
    )
    quit_keys = ("C-c", "C-c")

    def installed(self, path: str) -> str:
        """Return the program found on `path`."""
        return find("codex", path, INSTALL)

    def prepare(self, place: LaunchPlace, task: Task) -> Launch:
        """Say everything by flags: hooks, trust in the worktree, permissions, and the key if there is no login."""
        program = self.installed(task.env.get("PATH", os.defpath))
        asks, sandbox = MODES[task.permissions]
        settings = {
            "check_for_update_on_startup": "false",
            # A login shell reads /etc/profile, which may set PATH anew: our `gh` would no longer be on it.
            "allow_login_shell": "false",
            "projects": f'{{{_toml(str(task.worktree.resolve()))}={{trust_level="trusted"}}}}',
            **_provider(task.env),
            **_hooks(put_hook(place)),
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        prompt = first_prompt(place, task)
        argv = (
            *put_follower(place, _FOLLOW), program, *(("resume",) if task.resume else ()), "--no-daemon",
            "--dangerously-bypass-hook-trust", "-a", asks, "-s", sandbox, *flags,
            *(("-m", task.model) if task.model else ()), "--", *((task.resume,) if task.resume else ()), prompt,
        )  # fmt: skip
        return Launch(argv=argv, ready="prompt", prompt=prompt)

    def own_session_id(self, hook: dict[str, Any]) -> str | None:
        """Return the id under which it resumes; lines of its transcript carry none that could be trusted."""
        return own_id(hook) if "hook_event_name" in hook else None

    def remembers(self, place: LaunchPlace, env: Mapping[str, str], own: str) -> bool:
        """Tell whether the rollout is still in its home: `sessions/<year>/<month>/<day>/rollout-<time>-<id>.jsonl`."""
        home = Path(env.get("CODEX_HOME") or Path(env.get("HOME", "/")) / ".codex")
        return is_plain(own) and any(home.glob(f"sessions/*/*/*/rollout-*-{own}.jsonl"))

    def push_from_hook(self, hook: dict[str, Any]) -> Push | None:
        """Return what a hook, or a line of what it records, means."""
        payload = hook.get("payload")
        if isinstance(payload, dict) and payload.get("type") == "task_complete":
            error = payload.get("error")
            return Blocked(error=text_of(error, "message")) if isinstance(error, dict) else None
        return meaning(hook)


def _hooks(hook: str) -> dict[str, str]:
    return {f"hooks.{name}": f'[{{hooks=[{{type="command",command={_toml(f"{hook} {name}")}}}]}}]' for name in HOOKS}


def _provider(env: Mapping[str, str]) -> dict[str, str]:
    """Return settings that use the key the project gives, if any; a provider that the user has configured wins."""
    home = Path(env.get("CODEX_HOME") or Path(env.get("HOME") or Path.home()) / ".codex")
    file = home / "config.toml"
    try:
        config = tomllib.loads(file.read_text()) if file.exists() else {}
    except ValueError as exc:
        raise UserError(UNREADABLE.format(file=file, why=exc)) from exc
    if "model_provider" in config:
        return {}
    if not env.get("OPENAI_API_KEY"):
        if (home / "auth.json").exists() or config.get("cli_auth_credentials_store", "file") != "file":
            return {}
        raise UserError(NO_LOGIN.format(home=home))
    url = _toml(env.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
    provider = f'{{name="OpenAI",base_url={url},env_key="OPENAI_API_KEY",wire_api="responses"}}'
    return {"model_provider": '"ao"', "model_providers.ao": provider}


def _toml(text: str) -> str:
    """Return a text as TOML writes it; paths hold no characters in which JSON differs."""
    return json.dumps(text, ensure_ascii=False)


AGENT = Codex()
