import os

import pytest

from runtime.errors import UserError
from runtime.furnish import furnish
from tests.fakes.bot import a_project
from tests.waiting import gone

ENVIRONMENT = {"PATH": os.environ["PATH"], "GREETING": "hello"}


@pytest.fixture
def worktree(tmp_path):
    path = tmp_path / "worktree"
    path.mkdir()
    return path


@pytest.fixture
def clone(tmp_path):
    path = tmp_path / "clone"
    path.mkdir()
    (path / ".env").write_text("from the clone")
    return path


async def test_files_of_the_clone_are_linked_however_often(worktree, clone):
    project = a_project(path=clone, symlinks=(".env",))
    await furnish(project, worktree, ENVIRONMENT)
    await furnish(project, worktree, ENVIRONMENT)
    assert (worktree / ".env").read_text() == "from the clone"


async def test_file_of_the_repository_is_not_replaced_by_a_link(worktree, clone):
    (worktree / ".env").write_text("its own")
    await furnish(a_project(path=clone, symlinks=(".env",)), worktree, ENVIRONMENT)
    assert (worktree / ".env").read_text() == "its own"


async def test_commands_run_in_the_worktree_with_the_agents_environment(worktree):
    await furnish(a_project(post_create=("echo $GREETING > said", "pwd > where")), worktree, ENVIRONMENT)
    assert (worktree / "said").read_text() == "hello\n"
    assert (worktree / "where").read_text() == f"{worktree}\n"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"symlinks": (".env",)}, "need `path`"),
        ({"post_create": ("echo too bad; exit 3",)}, "ended with 3:\ntoo bad"),
    ],
)
async def test_what_cannot_be_done_says_what_to_mend(worktree, changed, said):
    with pytest.raises(UserError, match=said):
        await furnish(a_project(**changed), worktree, ENVIRONMENT)


async def test_missing_file_is_named(worktree, clone):
    with pytest.raises(UserError, match=r"\.netrc does not exist"):
        await furnish(a_project(path=clone, symlinks=(".netrc",)), worktree, ENVIRONMENT)


async def test_command_leaves_no_process_behind(worktree):
    await furnish(a_project(post_create=("sleep 60 & echo $! > pid",)), worktree, ENVIRONMENT)
    pid = int((worktree / "pid").read_text())
    await gone(pid)
