"""Names of branches are judged as git judges them, and as people read them."""

import subprocess

import pytest

from runtime.branches import in_the_way, is_branch_name


def git_takes(name):
    """Whether git makes a branch of this name."""
    ended = subprocess.run(["git", "check-ref-format", "--branch", name], check=False, capture_output=True)
    return ended.returncode == 0 and ended.stdout.decode(errors="surrogateescape").strip() == name


@pytest.mark.parametrize(
    "name", ["main", "release/1.x", "a-b", "für-später", "x.locks", "@a", "a@", "a{b", "HEADS", "head", "x" * 200]
)
def test_names_that_git_takes_for_a_branch_are_taken(name):
    assert git_takes(name)
    assert is_branch_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "HEAD", "a..b", ".a", "a/.b", "a.lock", "a.lock/b", "a//b", "/a", "a/", "a.", "a b", "a~1", "a^", "a:b",
     "a?", "a*", "a[b", "a@{1}", "-", "-a", "@{-1}", "a\\b", "a\x7fb", "a\nb"],
)  # fmt: skip
def test_names_that_git_does_not_take_for_a_branch_are_refused(name):
    assert not git_takes(name)
    assert not is_branch_name(name)


@pytest.mark.parametrize("name", ["@", "refs/heads/x", "x" * 201, "a\u3000b", "a\u200bb", "a\udcffb"])
def test_names_that_mislead_are_refused(name):
    assert not is_branch_name(name)


@pytest.mark.parametrize(
    ("branch", "others", "other"),
    [
        ("a", ["main", "a/b"], "a/b"),
        ("a/b/c", ["a"], "a"),
        ("a/b/c", ["a/b"], "a/b"),
        ("a/b", ["a/b", "a/bc", "ab", "b"], None),
    ],
)
def test_branch_is_in_the_way_when_one_is_a_directory_of_the_other(branch, others, other):
    assert in_the_way(branch, others) == other
