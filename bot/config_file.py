"""`agent-orchestrator.yaml`: found, parsed, and turned into projects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot.config import absolute
from bot.config_clone import unfit_clone
from bot.config_problems import Locate, line, lines_of
from bot.config_schema import SETTINGS, File, ProjectEntry
from runtime import agents
from runtime.project import Project, Reactions, default_prefix

FILE_NAME = "agent-orchestrator.yaml"


@dataclass(frozen=True)
class ConfigFile:
    """A parsed file; projects are still as they were written, since one that is broken does not stop the others."""

    path: Path | None = None
    sections: File = field(default_factory=lambda: File())
    projects: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, which YAML would silently drop."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: list[object] = [self.construct_object(key) for key, _ in node.value]
        for position, name in enumerate(names):
            if name in names[:position] and name != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def find_file(environ: Mapping[str, str], cwd: Path, place: Path) -> Path | None:
    """Return AO_CONFIG_PATH, else the nearest file upward from `cwd`, else the data directory's own."""
    if named := environ.get("AO_CONFIG_PATH"):
        return absolute(named, environ, cwd)
    upward = [directory / FILE_NAME for directory in (cwd, *cwd.parents)]
    return next((path for path in [*upward, place / "config.yaml"] if path.is_file()), None)


def read_file(environ: Mapping[str, str], cwd: Path, place: Path) -> ConfigFile:
    """Return the parsed file with its problems; no file at all is no problem."""
    path = find_file(environ, cwd, place)
    if path is None:
        return ConfigFile()
    try:
        raw = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        text = f"cannot be read ({error.strerror}); correct AO_CONFIG_PATH or the file's permissions"
        return ConfigFile(path, problems=(line(path, "file", text),))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return ConfigFile(path, problems=(line(path, *_syntax(error)),))
    return _sections(path, {} if raw is None else raw)


def _syntax(error: Exception) -> tuple[str, str]:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}" if mark else "file"
    return where, f"not valid YAML: {getattr(error, 'problem', None) or error}; correct it there"


def _sections(path: Path, raw: object) -> ConfigFile:
    if not isinstance(raw, dict):
        return ConfigFile(path, problems=(line(path, "file", "must be a mapping; start with `projects:`"),))
    content = {str(key): value for key, value in raw.items()}
    projects, problems = content.pop("projects", None), []
    if projects is not None and not isinstance(projects, dict):
        problems.append(line(path, "projects", "must be a mapping from project ids to projects"))
    # an empty section (`limits:`) means the defaults, as people leave them behind
    content = {key: value for key, value in content.items() if value is not None}
    named = {str(key): value for key, value in projects.items()} if isinstance(projects, dict) else {}
    try:
        sections = File.model_validate(content)
    except ValidationError as error:
        found = lines_of(error, File, lambda key: (str(path), key))
        return ConfigFile(path, projects=named, problems=(*problems, *found))
    settings = sections.model_dump(include=set(SETTINGS), exclude_none=True)
    return ConfigFile(path, sections, named, settings, tuple(problems))


def read_projects(
    file: ConfigFile, environ: Mapping[str, str], cwd: Path
) -> tuple[dict[str, Project], dict[str, tuple[str, ...]]]:
    """Return the projects that work and, of those that do not, what is wrong with each."""
    projects: dict[str, Project] = {}
    broken: dict[str, tuple[str, ...]] = {}
    base = file.path.parent if file.path else cwd
    for name, raw in file.projects.items():
        try:
            project = _project(name, raw, file, environ, base)
        except ValidationError as error:
            broken[name] = tuple(lines_of(error, ProjectEntry, _below(file.path, name)))
            continue
        problems = [*_clashes(project, projects), *unfit_clone(project, environ)]
        if problems := [*problems, *_missing_paths(project), *_unfit_model(project)]:
            broken[name] = tuple(line(file.path, f"projects.{name}.{key}", text) for key, text in problems)
        else:
            projects[name] = project
    return projects, broken


def _below(path: Path | None, name: str) -> Locate:
    return lambda key: (str(path), f"projects.{name}.{key}" if key else f"projects.{name}")


def _project(name: str, raw: object, file: ConfigFile, environ: Mapping[str, str], base: Path) -> Project:
    """Merge an entry with the sections that hold for all; raises pydantic's ValidationError."""
    entry = ProjectEntry.model_validate({} if raw is None else raw)
    sections = file.sections
    given = entry.model_dump(
        exclude_none=True, exclude={"tracker", "runtime", "workspace", "reactions", "notify", "limits"}
    )
    shared = {"agent": sections.defaults.agent, "permissions": sections.defaults.permissions or "bypass"}
    for key in ("path", "script"):
        if key in given:
            given[key] = absolute(given[key], environ, base)
    return Project.model_validate(
        {"session_prefix": default_prefix(name)}
        | shared
        | given
        | {"id": name, "labels": sections.labels, "times": sections.times, "limits": sections.limits.built()}
        | entry.limits.model_dump(exclude_none=True)
        | {"reactions": _reactions(sections.reactions, entry.reactions)}
    )


def _reactions(shared: Reactions, own: Reactions | None) -> Reactions:
    """Let a project override single keys of a reaction."""
    if own is None:
        return shared
    merged = {
        name: getattr(shared, name).model_copy(update=getattr(own, name).model_dump(exclude_unset=True))
        for name in own.model_fields_set
    }
    return shared.model_copy(update=merged)


def _clashes(project: Project, others: Mapping[str, Project]) -> list[tuple[str, str]]:
    problems = []
    for other in others.values():
        if other.session_prefix == project.session_prefix:
            text = f"{other.id} has the prefix {other.session_prefix} too"
            problems.append(("session_prefix", f"{text}; write another, for example {project.id.lower()[:12]}"))
        if other.repo.lower() == project.repo.lower():
            problems.append(("repo", f"{project.repo} belongs to the project {other.id} already; keep one of them"))
    return problems


def _missing_paths(project: Project) -> list[tuple[str, str]]:
    problems = []
    if project.symlinks and project.path is None:
        problems.append(("symlinks", "needs path, the clone that the files are in; set it or leave symlinks out"))
    if project.script and not project.script.is_file():
        problems.append(("script", f"{project.script} does not exist; correct the path"))
    return problems


def _unfit_model(project: Project) -> list[tuple[str, str]]:
    if project.model is None or agents.named(project.agent).capabilities.takes_model:
        return []
    return [("model", f"{project.agent} cannot be told a model; leave it out, or write another agent")]
