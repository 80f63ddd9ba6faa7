"""The unit and the image, as far as they can be checked without a machine that runs them."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def image():
    """The Dockerfile's instructions in order, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def _all(image, name):
    return [rest for instruction, rest in image if instruction == name]


@pytest.fixture(scope="module")
def unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(DEPLOY / "ao.service")
    return parser


def test_image_starts_from_one_named_version(image):
    (base,) = _all(image, "FROM")
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)


def test_image_runs_as_somebody_without_rights(image):
    assert _all(image, "USER") == ["ao"]
    assert "useradd" in _all(image, "RUN")[0]
    assert [name for name, _ in image].index("USER") > max(i for i, (name, _) in enumerate(image) if name == "RUN")


def test_image_holds_no_secret_and_copies_only_what_is_there(image):
    assert not re.search(r"SECRET|TOKEN|KEY|PASSWORD", " ".join(_all(image, "ENV") + _all(image, "ARG")))
    copied = [name.removeprefix("./") for rest in _all(image, "COPY") for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


def test_image_leaves_no_package_lists_and_installs_what_it_needs(image):
    apt = next(rest for rest in _all(image, "RUN") if "apt-get install" in rest)
    assert "--no-install-recommends" in apt
    assert "rm -rf /var/lib/apt/lists/*" in apt
    assert {"git", "tmux", "tini", "ca-certificates"} <= set(apt.split())
    assert any("-c constraints.txt" in rest for rest in _all(image, "RUN"))


def test_image_is_ended_and_watched_in_the_usual_ways(image):
    for name in ("ENTRYPOINT", "CMD"):
        assert json.loads(_all(image, name)[0])
    health = _all(image, "HEALTHCHECK")[0]
    assert "/healthz" in json.loads(health[health.index("CMD") + 4 :])[2]
    assert _all(image, "VOLUME") == ["/data"]
    assert "AO_DATA_DIR=/data" in _all(image, "ENV")[0].split()
    assert _all(image, "STOPSIGNAL") == ["SIGTERM"]


def test_unit_lets_agents_survive_a_restart(unit):
    service = unit["Service"]
    assert service["KillMode"] == "process"
    assert service["RestartPreventExitStatus"] == "2"
    assert "PrivateTmp" not in service


def test_unit_gives_no_rights(unit):
    service = unit["Service"]
    assert service["User"] not in ("", "root")
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_the_unit(tmp_path):
    program = tmp_path / "ao"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (DEPLOY / "ao.service").read_text()
    found = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    copy = tmp_path / "ao.service"
    copy.write_text(text.replace(found[1], str(program)))
    said = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=30)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
