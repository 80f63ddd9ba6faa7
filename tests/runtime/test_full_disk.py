"""A failure for want of room names the disk, also where git only says that it cannot write a file."""

import errno
from types import SimpleNamespace

import pytest

from runtime import full_disk
from runtime.errors import GitFailed

CANNOT_WRITE = GitFailed("git read-tree failed: error: unable to write file 'app.py'")
MIB = 1 << 20


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A small disk and a large one; what is free on the small one is set by the test."""
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    free = {"bytes": 0, "files": 10, "all_files": 100}

    def statvfs(place):
        mine = free if place.is_relative_to(small) else {"bytes": 1 << 40, "files": 10, "all_files": 100}
        return SimpleNamespace(
            f_bavail=mine["bytes"], f_frsize=1, f_favail=mine["files"], f_files=mine["all_files"]
        )  # fmt: skip

    monkeypatch.setattr(full_disk.os, "statvfs", statvfs)
    return SimpleNamespace(free=free, all=[large, small / "not" / "there"], small=small)


def told(places, why):
    return f"The disk of {places.small} is full: free some space there ({why})"


@pytest.mark.parametrize("free", [0, 30 * MIB])
def test_git_that_cannot_write_where_little_is_free_is_explained(places, free):
    places.free["bytes"] = free
    assert full_disk.why(CANNOT_WRITE, places.all) == told(places, CANNOT_WRITE)


def test_any_failure_where_nothing_is_free_is_explained(places):
    error = GitFailed("post_create failed: make exited with 2")
    assert full_disk.why(error, places.all) == told(places, error)


def test_disk_without_room_for_another_file_is_full(places):
    places.free.update(bytes=1 << 40, files=0)
    assert full_disk.why(CANNOT_WRITE, places.all) == told(places, CANNOT_WRITE)
    places.free["all_files"] = 0  # a file system that does not count them
    assert full_disk.why(CANNOT_WRITE, places.all) == str(CANNOT_WRITE)


def test_what_git_was_told_by_the_system_counts_whatever_is_free_by_now(places):
    places.free["bytes"] = 1 << 30
    error = GitFailed("git fetch failed: fatal: index-pack failed", stderr="write error: No space left on device")
    assert full_disk.why(error, places.all) == told(places, error)


def test_file_that_the_system_has_no_room_for_names_its_disk(places, tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "large" / "gone" / "file"))
    assert full_disk.why(error, places.all).startswith(f"The disk of {tmp_path / 'large'} is full: free some space")


@pytest.mark.parametrize("error", [CANNOT_WRITE, GitFailed("no branch main"), PermissionError(13, "no", "/x")])
def test_other_failures_stay_as_they_are(places, error):
    places.free["bytes"] = 1 << 30
    assert full_disk.why(error, places.all) == str(error)
