"""Whether an agent's program is where its sessions will look for it."""

import os
from collections.abc import Mapping

from runtime.agents import Agent
from runtime.project import Project


def find_program(agent: Agent, project: Project, environment: Mapping[str, str]) -> str:
    """Return what would run for a project; `UserError` says how to install it."""
    return agent.installed(project.env.get("PATH") or environment.get("PATH", os.defpath))
