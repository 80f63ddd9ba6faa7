"""The effective configuration as `ao config show` prints it: secrets masked."""

from typing import Any

import yaml

from bot.config import Config

MASK = "**********"


def effective(config: Config) -> dict[str, Any]:
    """Return what is in force; secrets and the agents' environment are masked."""
    projects = {name: project.model_dump(mode="json", by_alias=True) for name, project in config.projects.items()}
    for project in projects.values():
        project["env"] = dict.fromkeys(project["env"], MASK)
    return {
        "file": None if config.file is None else str(config.file),
        "settings": config.settings.model_dump(mode="json"),
        "projects": projects,
        "broken": {name: list(lines) for name, lines in config.broken.items()},
    }


def written(values: dict[str, Any]) -> str:
    """Return it as YAML."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100).rstrip()
