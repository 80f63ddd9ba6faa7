"""The scripted agent: a real terminal program that plays a script, for the demo and for tests."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.agents import Capabilities, Task
from runtime.errors import UserError
from runtime.launch import Launch, LaunchPlace
from runtime.pushes import Push

PROGRAM = Path(__file__).with_name("scripted_program.py")


class Scripted:
    """Runs `scripted_program.py` with the interpreter that runs us; it needs nothing else."""

    name = "scripted"
    capabilities = Capabilities(
        can_resume=True,
        has_own_id=True,
        asks_permission=True,
        clear_keys=("C-u",),
        empty_at=2,
        allow_keys=("y",),
        deny_keys=("n",),
        choice_keys=True,
    )
    quit_keys = ("C-c", "C-c")

    def installed(self, path: str) -> str:
        """Return the program; it is always there."""
        return str(PROGRAM)

    def prepare(self, place: LaunchPlace, task: Task) -> Launch:
        """Write the first prompt and start the program on the project's script; rules are part of the prompt."""
        if task.script is None or not task.script.is_file():
            raise UserError(f"The scripted agent needs a script: set `script:` of the project (now {task.script}).")
        resume = ("--resume", task.resume) if task.resume else ()
        argv = (sys.executable, "-I", "-S", str(PROGRAM), *resume, str(place.put("prompt.md", task.prompt)))
        home = _home(place)
        home.mkdir(mode=0o700, exist_ok=True)
        return Launch(argv=argv, env={"AO_SCRIPT": str(task.script), "AO_SCRIPTED_HOME": str(home)})

    def own_session_id(self, hook: dict[str, Any]) -> str | None:
        """It has no hooks: it says its id when it is ready."""
        return None

    def remembers(self, place: LaunchPlace, env: Mapping[str, str], own: str) -> bool:
        """Tell whether its own file is still in its home."""
        return own.isalnum() and (_home(place) / f"own-{own}").exists()

    def push_from_hook(self, hook: dict[str, Any]) -> Push | None:
        """It has no hooks: it pushes by itself."""
        return None


def _home(place: LaunchPlace) -> Path:
    """Return where it keeps its sessions: beside the launch directories, because those go when a session ends."""
    return place.directory.with_name(".scripted")


AGENT = Scripted()
