"""What the documents say is there."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema_rs
import pytest
import typer
from gidgethub.sansio import Event

from bot.api.schemas import PRINTED, schema
from bot.cli.app import app
from bot.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
WRITTEN = [*DOCUMENTS, ROOT / "Makefile", ROOT / "constraints.txt", ROOT / ".ci/run", ROOT / "pyproject.toml"]
NOT_IN_SETTINGS = {"AO_CONFIG_PATH", "AO_SECRETS_DIR"}
CODE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
COMMAND = re.compile(r"(?:^|[\s`(/])ao ((?:[a-z][a-z-]*)(?: [a-z|-]+)?)")

of_each = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def _commands():
    """Return every command of `ao`, groups with their members."""
    root = typer.main.get_command(app)
    context = typer.Context(root)
    found = {}
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        found[name] = set(getattr(command, "commands", {}))
    return found


def _in_code(text):
    """Return what is set as code: where commands and settings are meant as such."""
    fenced = CODE.findall(text)
    return fenced + re.findall(r"`([^`\n]+)`", CODE.sub("", text))


@of_each
def test_links_lead_to_files(document):
    text = CODE.sub("", document.read_text())
    targets = [one or other for one, other in LINK.findall(text)]
    local = [target.partition("#")[0] for target in targets if not re.match(r"\w+:", target)]
    assert [target for target in local if target and not (document.parent / target).exists()] == []


@of_each
def test_commands_exist(document):
    known, unknown = _commands(), []
    for piece in _in_code(document.read_text()):
        for words in COMMAND.findall(piece):
            name, _, rest = words.partition(" ")
            members = known.get(name)
            if members is None or (members and rest and not set(rest.split("|")) <= members):
                unknown.append(words)
    assert unknown == []


def test_the_page_about_the_command_line_leaves_no_command_out():
    page = "\n".join(_in_code((ROOT / "docs/command-line.md").read_text()))
    wanted = {f"ao {name} {one}" for name, members in _commands().items() for one in members}
    wanted |= {f"ao {name}" for name, members in _commands().items() if not members}
    assert {command for command in wanted if not re.search(rf"{command}\b", page)} == set()


@of_each
def test_settings_exist(document):
    known = {f"AO_{name.upper()}" for name in Settings.model_fields} | NOT_IN_SETTINGS
    # Names in examples of mistakes are told apart by the message beside them.
    text = "\n".join(line for line in document.read_text().splitlines() if "unknown setting" not in line)
    agents_own = {"AO_LAUNCH", "AO_SESSION", "AO_SCRIPT", "AO_SPEED", "AO_PROJECT_ID", "AO_ISSUE_ID"}
    assert set(re.findall(r"\bAO_[A-Z_]+\b", text)) - known - agents_own == set()


@of_each
def test_make_targets_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pieces = _in_code(document.read_text())
    named = {name for piece in pieces for name in re.findall(r"(?:^|\s)make ([a-z][a-z-]+)", piece)}
    assert named - targets == set()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_the_machine_it_was_written_on_is_named(path):
    text = path.read_text()
    assert (
        re.findall(r"/(?:work|root|home)/\S*|file://\S*|https?://(?:\S*pypi\S*|registry\.\S*|\S*/simple\b)", text) == []
    )


@pytest.mark.parametrize("name", PRINTED)
def test_published_schemas_are_those_of_the_code(name):
    written = json.loads((ROOT / f"docs/schemas/{name}.json").read_text())
    renew = "for name in {}; do ao config schema --of $name > docs/schemas/$name.json; done"
    assert written == schema(name), f"renew them: {renew.format(' '.join(PRINTED))}"
    jsonschema_rs.validator_for(written)


def test_no_schema_is_published_that_nothing_prints():
    assert {path.stem for path in ROOT.glob("docs/schemas/*.json")} == set(PRINTED)


def test_tests_named_as_proof_exist():
    proofs = re.findall(r"\(\.\./(tests/\S+\.py)\) `(test_\w+)`", (ROOT / "docs/safety.md").read_text())
    assert len(proofs) > 20
    assert [name for path, name in proofs if f"def {name}(" not in (ROOT / path).read_text()] == []


def test_the_handler_of_the_contributing_page_is_one():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    names = {}
    exec(example, names)
    event = Event({"action": "created"}, event="star", delivery_id="")
    assert [story.__name__ for story in names["router"].fetch(event)] == ["thank"]


def test_contributing_fits_on_a_page():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 80


def test_license_is_apache_2():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_ci_script_can_be_run_and_is_sound_bash():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    for target in ("check", "test", "test-github"):
        assert re.search(rf"^step \d+m {target}$", script.read_text(), re.MULTILINE)


def test_actions_are_pinned_and_may_only_read():
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", action) and " # v" in comment for action, comment in used)
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert re.findall(r"^\s+(\w[\w-]*): write$", text, re.MULTILINE) == []


def test_every_installed_package_has_an_exact_version():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][\w.]*", line) for line in lines)
    named = {re.split("==", line)[0].lower().replace("_", "-") for line in lines}
    wanted = re.findall(
        r'^    "([A-Za-z0-9-]+)', (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[0], re.MULTILINE
    )
    assert {name.lower() for name in wanted} - named == set()
