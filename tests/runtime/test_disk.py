"""Directories of our own where agents may write too."""

from runtime import disk


def test_directory_that_another_start_makes_meanwhile_is_nobodys_link(tmp_path, monkeypatch):
    """Two starts make the shared directory of the shims at once; the other one is quicker."""
    shared, real = tmp_path / "bin", disk.is_own_directory

    def made_by_the_other(path):
        before = real(path)
        path.mkdir(exist_ok=True)
        return before

    monkeypatch.setattr(disk, "is_own_directory", made_by_the_other)
    disk.make_own_directory(shared)
    assert real(shared)


def test_it_is_told_whether_a_directory_had_to_be_made(tmp_path):
    place = tmp_path / "place"
    assert disk.make_own_directory(place)
    assert not disk.make_own_directory(place)
    place.rmdir()
    place.symlink_to(tmp_path)
    assert disk.make_own_directory(place)
    assert disk.is_own_directory(place)
