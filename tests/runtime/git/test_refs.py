"""Refs as files, held against what git says of them."""

import subprocess

import pytest

from runtime import refs

ORIGIN = "refs/remotes/origin/"


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository.git"
    run("init", "--quiet", "--bare", str(path))
    return path


@pytest.fixture
def commit(repository):
    return make_commit(repository, "first")


def run(*args):
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()


def make_commit(repository, message):
    tree = run("-C", str(repository), "hash-object", "-t", "tree", "-w", "/dev/null")
    who = ("-c", "user.name=n", "-c", "user.email=e")
    return run("-C", str(repository), *who, "commit-tree", tree, "-m", message)


def git_says(repository, prefix):
    listed = run("-C", str(repository), "for-each-ref", "--format=%(objectname) %(refname)", prefix)
    pairs = (line.split(" ", 1) for line in listed.splitlines())
    return {name.removeprefix(prefix): sha for sha, name in pairs if name != f"{prefix}HEAD"}


def test_loose_and_packed_refs_are_read_as_git_reads_them(repository, commit):
    other = make_commit(repository, "second")
    for name in ("main", "topic/a", "topic/b"):
        run("-C", str(repository), "update-ref", ORIGIN + name, commit)
    run("-C", str(repository), "tag", "-a", "-m", "peeled in the list", "v1", commit)
    run("-C", str(repository), "pack-refs", "--all")
    run("-C", str(repository), "update-ref", ORIGIN + "topic/a", other)
    run("-C", str(repository), "update-ref", ORIGIN + "new", other)
    run("-C", str(repository), "symbolic-ref", ORIGIN + "HEAD", ORIGIN + "main")
    found = refs.below(repository, ORIGIN)
    assert found == git_says(repository, ORIGIN)
    assert found == {"main": commit, "topic/a": other, "topic/b": commit, "new": other}


def test_repository_without_refs_has_none(repository):
    assert refs.below(repository, ORIGIN) == {}


def test_links_and_nonsense_are_no_refs(repository, commit, tmp_path):
    run("-C", str(repository), "update-ref", ORIGIN + "main", commit)
    secret = tmp_path / "secret"
    secret.write_text("0" * 40)
    (repository / ORIGIN / "link").symlink_to(secret)
    (repository / ORIGIN / "directory").symlink_to(tmp_path)
    (repository / ORIGIN / "half").write_text(commit[:20])
    (repository / ORIGIN / "main.lock").write_text("")
    assert refs.below(repository, ORIGIN) == {"main": commit}


@pytest.mark.parametrize("spoil", ["too many", "too large", "a link"])
def test_what_is_too_much_or_odd_is_left_to_git(repository, commit, tmp_path, monkeypatch, spoil):
    run("-C", str(repository), "update-ref", ORIGIN + "main", commit)
    if spoil == "too many":
        monkeypatch.setattr(refs, "MOST", 0)
    elif spoil == "too large":
        (repository / "packed-refs").write_text("# \n" * (1 << 19))
    else:
        (repository / "packed-refs").symlink_to(tmp_path / "nowhere")
    assert refs.below(repository, ORIGIN) is None


def test_new_ref_is_one_that_git_knows(repository, commit, tmp_path):
    assert refs.start(repository, "refs/heads/ao/one", commit, draft=tmp_path)
    assert run("-C", str(repository), "rev-parse", "--verify", "refs/heads/ao/one") == commit
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repository.git"]
    run("-C", str(repository), "update-ref", "refs/heads/ao/one", make_commit(repository, "second"), commit)


@pytest.mark.parametrize("taken", ["refs/heads/ao", "refs/heads/ao/one", "refs/heads/ao/one/two"])
@pytest.mark.parametrize("packed", [True, False])
def test_ref_in_the_way_is_left_alone(repository, commit, tmp_path, taken, packed):
    run("-C", str(repository), "update-ref", taken, commit)
    if packed:
        run("-C", str(repository), "pack-refs", "--all")
    assert not refs.start(repository, "refs/heads/ao/one", make_commit(repository, "second"), draft=tmp_path)
    assert git_says(repository, "refs/heads/") == {taken.removeprefix("refs/heads/"): commit}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repository.git"]


def test_no_ref_is_made_through_a_link(repository, commit, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / "refs/heads/ao").symlink_to(outside)
    assert not refs.start(repository, "refs/heads/ao/one", commit, draft=tmp_path)
    assert list(outside.iterdir()) == []
