import pytest

from devtools.machine.stamps import (
    Stamp,
    files_fingerprint,
    fingerprint,
    made_anew,
    write_atomically,
)


def test_fingerprint_follows_its_parts():
    assert fingerprint("a", 1) == fingerprint("a", 1)
    assert fingerprint("a", 1) != fingerprint("a", 2)
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


@pytest.mark.parametrize("change", ["content", "name", "removal"])
def test_files_fingerprint_sees_every_change(tmp_path, change):
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_text(path.name)
    before = files_fingerprint(paths, tmp_path)
    assert files_fingerprint(reversed(paths), tmp_path) == before
    if change == "content":
        paths[0].write_text("other")
    elif change == "name":
        paths[0] = paths[0].rename(tmp_path / "three")
    else:
        paths.pop()
    assert files_fingerprint(paths, tmp_path) != before


def test_stamp(tmp_path):
    stamp = Stamp(tmp_path / "stamps", "step")
    assert stamp.read() is None
    assert not stamp.holds("a")
    stamp.set("a")
    assert stamp.holds("a")
    assert not stamp.holds("b")
    stamp.clear()
    stamp.clear()
    assert not stamp.holds("a")


def test_write_atomically_leaves_nothing_else(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomically(path, "one", 0o755)
    write_atomically(path, "two", 0o600)
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("present", [True, False])
def test_a_folder_that_is_made_anew(tmp_path, present):
    target = tmp_path / "target"
    if present:
        target.mkdir()
        (target / "old").touch()
    with made_anew(target) as part:
        part.mkdir()
        (part / "new").touch()
        assert target.exists() is present
    assert [found.name for found in target.iterdir()] == ["new"]
    assert [found.name for found in tmp_path.iterdir()] == ["target"]


def test_a_folder_that_does_not_become_whole(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").touch()
    (tmp_path / "target.part").mkdir()  # of a process that was killed
    with pytest.raises(KeyboardInterrupt), made_anew(target) as part:
        assert not part.exists()
        part.mkdir()
        raise KeyboardInterrupt
    assert [found.name for found in tmp_path.iterdir()] == ["target"]
    assert [found.name for found in target.iterdir()] == ["old"]
