"""Continuous integration: runs the steps of `.github/workflows/ci.yml` for real, in a clean checkout of the commit."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.demo.github import git
from bot.demo.github.changes import checks
from bot.demo.github.people import App, Json
from bot.demo.github.processes import end_group
from bot.demo.github.records import CheckRun, Repository
from bot.demo.github.shapes.common import stamp
from bot.demo.github.world import World

WORKFLOW = ".github/workflows/ci.yml"
SLUG = "github-actions"
DEADLINE = 300.0
LONGEST_LOG = 1_000_000
LONGEST_TEXT = 60_000
# A traceback's innermost line, pytest's and most compilers' `path:line: message`.
PLACES = re.compile(r'^(?:E?\s*File "(?P<file>[^"]+)", line (?P<at>\d+)|(?P<path>[\w./-]+\.\w+):(?P<line>\d+):)', re.M)


@dataclass(frozen=True)
class Job:
    """One job of a workflow: what is shown as its check and the shell commands it runs."""

    name: str
    steps: tuple[tuple[str, str], ...]


def parse(text: str) -> list[Job]:
    """The jobs of a workflow; steps without `run` (actions) are already done by the checkout."""
    workflow = yaml.safe_load(text)
    jobs: dict[str, Any] = workflow.get("jobs", {}) if isinstance(workflow, dict) else {}
    return [Job(str(job.get("name", key)), _steps(job)) for key, job in jobs.items() if isinstance(job, dict)]


def _steps(job: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    steps = [step for step in job.get("steps", []) if isinstance(step, dict) and "run" in step]
    return tuple((str(step.get("name", step["run"])).partition("\n")[0], str(step["run"])) for step in steps)


async def begin(world: World, repo: Repository, branch: str, before: str, sha: str) -> None:
    """Start the commit's workflow in the background, when it has one."""
    jobs = await _jobs(repo, sha)
    if jobs:
        checks.make_suite(world, repo, actions(world), sha, branch, before)
    for job in jobs:
        await _start(world, repo, job, sha)


async def again(world: World, repo: Repository, run: CheckRun) -> None:
    """Run a check's job once more, as a new check run of the same name."""
    for job in await _jobs(repo, run.head_sha):
        if job.name == run.name:
            await _start(world, repo, job, run.head_sha)


async def _jobs(repo: Repository, sha: str) -> list[Job]:
    if not await git.git(repo.path, "ls-tree", sha, WORKFLOW):
        return []
    try:
        return parse(await git.git(repo.path, "cat-file", "-p", f"{sha}:{WORKFLOW}"))
    except yaml.YAMLError:
        return [Job("workflow", (("read the workflow", f"echo '{WORKFLOW} is not valid YAML'; exit 1"),))]


async def _start(world: World, repo: Repository, job: Job, sha: str) -> None:
    run = await checks.create_run(world, repo, actions(world), job.name, sha, {"status": "queued"})
    run.details_url = f"{world.url}/{repo.full_name}/runs/{run.id}"
    world.background.start(_run(world, repo, job, run))


def actions(world: World) -> App:
    """The app whose checks these are."""
    return world.apps[SLUG]


async def _run(world: World, repo: Repository, job: Job, run: CheckRun) -> None:
    run.status, run.started_at = "in_progress", world.now()
    place = Path(tempfile.mkdtemp(prefix="ci-"))
    try:
        await _checkout(repo, run.head_sha, place / "work")
        failed = await _play(world, job, run, place / "work")
    finally:
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    conclusion = "success" if failed is None else "failure"
    output: Json = {"title": job.name, "summary": f"Failed at: {failed}" if failed else "All steps passed."}
    output["text"] = run.log[-LONGEST_TEXT:]
    output["annotations"] = [] if failed is None else annotations(run.log, str(place / "work"), failed)
    await checks.update_run(world, repo, run, {"conclusion": conclusion, "output": output})


async def _checkout(repo: Repository, sha: str, place: Path) -> None:
    await git.git(repo.path, "clone", "--quiet", "--shared", "--no-checkout", str(repo.path), str(place))
    await git.git(repo.path, f"--git-dir={place}/.git", f"--work-tree={place}", "checkout", "--quiet", "--detach", sha)


async def _play(world: World, job: Job, run: CheckRun, place: Path) -> str | None:
    """Run the steps until one fails, and return that one's name."""
    for name, command in job.steps:
        run.log += f"{stamp(world.now())} ##[group]{name}\n"
        code, out = await shell(command, place)
        run.log = (run.log + out.replace(f"{place}/", ""))[-LONGEST_LOG:]
        if code != 0:
            run.log += f"##[error]Process completed with exit code {code}.\n"
            return name
        run.log += "##[endgroup]\n"
    return None


async def shell(command: str, place: Path, deadline: float = DEADLINE) -> tuple[int, str]:
    """Run one step as Actions does, `bash -e`, in its own process group; all of it is ended at the deadline."""
    home = {"HOME": str(place.parent), "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(place)}
    process = await asyncio.create_subprocess_exec(
        "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command,
        cwd=place, env=git.environment(**home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline):
            out, _ = await process.communicate()
    except TimeoutError:
        return 124, f"The step was stopped after {deadline:.0f} seconds.\n"
    finally:
        end_group(process)
        await process.wait()
    return process.returncode or 0, out.decode(errors="replace")


def annotations(log: str, place: str, failed: str) -> list[Json]:
    """Where the log says that it went wrong, else one for the failed step, as Actions makes it."""
    found: list[Json] = []
    for match in PLACES.finditer(log):
        path = (match.group("file") or match.group("path") or "").removeprefix(f"{place}/")
        if not path.startswith(("/", "<")):
            found.append(_annotation(path, int(match.group("at") or match.group("line")), failed))
    return found[-10:] or [_annotation(".github", 1, f"{failed}: process completed with an error.")]


def _annotation(path: str, line: int, message: str) -> Json:
    return {
        "path": path, "start_line": line, "end_line": line, "annotation_level": "failure", "message": message,
    }  # fmt: skip
