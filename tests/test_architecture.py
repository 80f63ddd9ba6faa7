"""The floors and doors of DESIGN.md, read from the source."""

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime import agents
from runtime.errors import UserError

ROOT = Path(__file__).parents[1]
BELOW = {"bot": {"bot", "handlers", "runtime"}, "handlers": {"handlers", "runtime"}, "runtime": {"runtime"}}
STAND_ALONE = ("runtime/agents/player/", "runtime/shim/", "bot/demo/")
"""Programs of their own: agents, what agents call, and the demo."""


@functools.cache
def modules() -> dict[str, ast.Module]:
    """All modules of the three floors, by their paths."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text())
        for floor in ("bot", "handlers", "runtime")
        for path in sorted((ROOT / floor).rglob("*.py"))
    }


@functools.cache
def imported() -> dict[str, set[str]]:
    """What each module imports."""
    return {path: set(imports(path)) for path in modules()}


def imports(path: str) -> Iterator[str]:
    """Every module that is imported anywhere in a module, also inside functions; with what is taken from it."""
    for node in ast.walk(modules()[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = path.split("/")[: -node.level] if node.level else []
            module = ".".join([*around, *([node.module] if node.module else [])])
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))


def who_imports(*wanted: str) -> set[str]:
    """The modules that import one of these or something below it."""
    return {
        path
        for path, names in imported().items()
        if any(name == one or name.startswith(f"{one}.") for name in names for one in wanted)
    }


def attributes(tree: ast.Module, of: str) -> set[str]:
    """What is read as `of.<name>`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == of
    }


def test_imports_only_go_down():
    up = {
        (path, name)
        for path, names in imported().items()
        for name in names
        if name.split(".")[0] in BELOW and name.split(".")[0] not in BELOW[path.split("/")[0]]
    }
    assert not up


def test_demo_shares_no_code_with_what_it_shows():
    shared = {
        (path, name)
        for path, names in imported().items()
        for name in names
        if path.startswith("bot/demo/") and name.split(".")[0] in BELOW and not (name + ".").startswith("bot.demo.")
    }
    assert not {(path, name) for path, name in shared if name != "bot"}


def test_only_the_demo_itself_and_its_command_know_the_demo():
    assert {path for path in who_imports("bot.demo") if not path.startswith("bot/demo/")} <= {"bot/cli/local.py"}


@pytest.mark.parametrize("path", ["bot/receiver.py", "bot/worker.py", "bot/handling.py", "runtime/store/journal.py"])
def test_receiver_journal_and_worker_know_no_handler(path):
    assert path not in who_imports("handlers")


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("libtmux", "runtime/tmux"),
        ("gidgethub.aiohttp", "bot/github/client.py"),
        ("detect_secrets", "runtime/published_shapes.py"),
        ("alembic", "runtime/store/"),
        ("sqlite3", "runtime/store/"),
    ],
)
def test_each_door_is_single(library, door):
    who = who_imports(library)
    assert who
    assert all(path.startswith(door) for path in who)


def test_environment_is_read_in_one_module():
    readers = {path for path, tree in modules().items() if attributes(tree, "os") & {"environ", "getenv", "environb"}}
    assert {path for path in readers if not path.startswith(STAND_ALONE)} == {"bot/config.py"}
    assert not {path for path in who_imports("os.environ", "os.getenv") if not path.startswith(STAND_ALONE)}


def test_sql_is_written_in_the_store_only():
    outside = {path for path in who_imports("sqlalchemy") if not path.startswith("runtime/store/")}
    assert {path: attributes(modules()[path], "sa") for path in outside} == {path: {"Connection"} for path in outside}
    assert not {path for path in who_imports("runtime.store.schema") if not path.startswith("runtime/store/")}


def test_stories_do_not_know_each_other():
    shared = {"context", "outbound", "payloads", "trust", "stories", "routing", "commands", "comments", "pushes"}
    stories = {Path(path).stem for path in modules() if path.startswith("handlers/")} - shared - {"__init__"}
    known = {name: who_imports(f"handlers.{name}") - {"bot/app.py", "bot/dispatch.py"} for name in stories}
    assert not {name: who for name, who in known.items() if who}


def test_modules_are_short():
    assert not [path for path in modules() if len((ROOT / path).read_text().splitlines()) > 250]


def public(node: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for part in node.body:
        if isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and part.name[0] != "_":
            yield part
            if isinstance(part, ast.ClassDef):
                yield from public(part)


def test_everything_public_has_a_docstring():
    lacking = [path for path, tree in modules().items() if not ast.get_docstring(tree)]
    lacking += [
        f"{path}:{one.name}" for path, tree in modules().items() for one in public(tree) if not ast.get_docstring(one)
    ]
    assert not lacking


AGENT = '''"""An agent that says nothing."""

from types import SimpleNamespace

AGENT = SimpleNamespace(name="mute")
'''


def test_new_agent_is_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(tmp_path)])
    with pytest.raises(UserError, match="There is no agent `mute`"):
        agents.named("mute")
    (tmp_path / "dummy_agent.py").write_text(AGENT)
    try:
        assert agents.named("mute").name == "mute"
        assert {"mute", "scripted"} <= set(agents.load())
    finally:
        sys.modules.pop("runtime.agents.dummy_agent", None)
