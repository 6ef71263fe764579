import os
import threading
from datetime import datetime, timedelta, timezone

import pytest

from ccp.safe.spool import (
    Spool,
    SpoolFullError,
    digest,
    find_owner,
    waiting_below,
)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "one", min_free_bytes=0)


def waiting(spool):
    return [spool.read(name) for name in spool.names()]


def test_a_report_waits_as_it_came(spool):
    token = spool.make_token()
    spool.put(token, "secret", b'\xff\x00 {"a": 1}\nand more')
    (report,) = waiting(spool)
    assert report.raw == b'\xff\x00 {"a": 1}\nand more'
    assert (report.token_digest, report.header_digest) == (digest(token), digest("secret"))
    assert abs(datetime.now(timezone.utc) - report.received_at) < timedelta(seconds=5)


def test_no_secret_lies_on_the_disk(spool):
    token = spool.make_token()
    spool.put(token, "secret", b"{}")
    content = b"".join(path.read_bytes() for path in spool.folder.iterdir())
    assert token.encode() not in content
    assert b"secret" not in content


def test_without_a_header(spool):
    spool.put(spool.make_token(), None, b"{}")
    assert waiting(spool)[0].header_digest is None


def test_a_repeat_is_one_file_and_another_header_is_not(spool):
    token = spool.make_token()
    for header in ("one", "one", "two", None):
        spool.put(token, header, b"{}")
    assert len(spool.names()) == 3


def test_removed(spool):
    spool.put(spool.make_token(), None, b"{}")
    (name,) = spool.names()
    spool.remove(name)
    spool.remove(name)
    assert spool.names() == []


def test_set_aside(spool):
    spool.put(spool.make_token(), None, b"{}")
    (name,) = spool.names()
    spool.set_aside(name, "DataError")
    assert spool.names() == []
    (aside,) = spool.aside()
    assert aside.reason == "DataError"
    assert abs(datetime.now(timezone.utc) - aside.tried_at) < timedelta(seconds=5)


def test_what_was_set_aside_is_taken_back(spool):
    spool.put(spool.make_token(), None, b"{}")
    (name,) = spool.names()
    spool.set_aside(name, "DataError")
    (aside,) = spool.aside()
    for _twice in range(2):
        spool.take_back(aside.name)
    assert (spool.names(), spool.aside()) == ([name], [])


def test_what_an_older_version_set_aside_is_taken_back_too(spool):
    spool.put(spool.make_token(), None, b"{}")
    (name,) = spool.names()
    (spool.folder / name).rename(spool.folder / name.replace(".report", ".unreadable"))
    (aside,) = spool.aside()
    assert aside.reason == ""
    spool.take_back(aside.name)
    assert spool.names() == [name]


def test_a_folder_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "one").write_text("a file in the folder's place")
    spool = Spool(tmp_path / "one", min_free_bytes=0)
    for look in (spool.names, spool.aside, spool.check, spool.make_token):
        with pytest.raises(NotADirectoryError):
            look()
    assert not spool.knows("A" * 48)
    assert find_owner(tmp_path, "A" * 48) is None


def test_a_check_leaves_no_report(spool):
    spool.check()
    assert [path.name for path in spool.folder.iterdir()] == ["key"]
    with pytest.raises(SpoolFullError):
        Spool(spool.folder, min_free_bytes=2**62).check()


def test_another_spelling_of_a_token_is_another_token(spool):
    """The database knows the digest of the one that was handed out."""
    for _each in range(50):
        token = spool.make_token()
        spellings = {
            f"{token}=",
            f"{token}====",
            f" {token}",
            f"{token}\n",
            f"{token[:8]}!{token[8:]}",
        }
        spellings |= {token.replace("-", "+").replace("_", "/"), f"{token}AA=="}
        assert not any(spool.knows(each) for each in spellings - {token})
        assert spool.knows(token)


def test_all_removed(spool):
    token = spool.make_token()
    spool.put(token, None, b"{}")
    for _twice in range(2):
        spool.remove_all()
    assert spool.names() == []
    assert not spool.knows(token)


def test_tokens_differ_and_fit_into_an_address(spool):
    tokens = {spool.make_token() for _each in range(200)}
    assert len(tokens) == 200
    assert all(len(token) == 48 and "=" not in token and "/" not in token for token in tokens)


def test_only_signed_tokens_are_known(spool, tmp_path):
    token = spool.make_token()
    assert spool.knows(token)
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    other = Spool(tmp_path / "two").make_token()
    for wrong in (changed, "B" + token[1:], token[:32], token + "A", "", "é", "x" * 5000, other):
        assert wrong == token or not spool.knows(wrong), wrong


def test_without_a_key_nothing_is_known(tmp_path):
    empty = Spool(tmp_path / "none")
    assert not empty.knows("A" * 48)
    assert empty.names() == []
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "key").write_bytes(b"")
    assert not Spool(tmp_path / "short").knows("A" * 48)


def test_the_owner_is_found_by_the_signature(tmp_path):
    one, two = Spool(tmp_path / "one"), Spool(tmp_path / "two")
    token = two.make_token()
    one.make_token()
    assert find_owner(tmp_path, token).folder == two.folder
    assert find_owner(tmp_path, "A" * 48) is None
    assert find_owner(tmp_path / "nothing", token) is None
    for likely in ("one", "two", "three"):
        assert find_owner(tmp_path, token, likely).folder == two.folder
        assert find_owner(tmp_path, "A" * 48, likely) is None


def test_reports_of_another_folder_are_taken_over(tmp_path):
    one, two, three = (Spool(tmp_path / name) for name in ("one", "two", "three"))
    assert waiting_below(tmp_path / "nothing") == []
    token = one.make_token()
    two.make_token()
    (tmp_path / "no-folder").write_bytes(b"")
    one.put(token, None, b"first")
    one.put(token, None, b"second")
    assert [each.folder for each in waiting_below(tmp_path)] == [one.folder]
    for name in one.names():
        three.take_over(one, name)
    assert one.names() == []
    assert {three.read(name).raw for name in three.names()} == {b"first", b"second"}
    with pytest.raises(FileNotFoundError):
        three.take_over(one, name)


def test_the_key_is_made_once_by_whoever_is_first(spool):
    barrier = threading.Barrier(8)
    tokens = []

    def make():
        barrier.wait()
        tokens.append(spool.make_token())

    threads = [threading.Thread(target=make) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert all(spool.knows(token) for token in tokens)


def test_nobody_else_may_read(spool):
    spool.put(spool.make_token(), None, b"{}")
    assert spool.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in spool.folder.iterdir())


def test_a_full_disk_is_told(spool):
    token = spool.make_token()
    with pytest.raises(SpoolFullError):
        Spool(spool.folder, min_free_bytes=2**62).put(token, None, b"{}")
    assert spool.names() == []


def test_every_file_and_the_folder_are_synced_before_it_returns(spool, monkeypatch):
    token = spool.make_token()
    synced = []
    fsync = os.fsync

    def note(descriptor):
        synced.append((os.readlink(f"/proc/self/fd/{descriptor}"), len(spool.names())))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    spool.put(token, None, b"{}")
    (part, before), (folder, after) = synced
    assert part.endswith(".part")
    assert before == 0
    assert folder == str(spool.folder)
    assert after == 1


def test_a_write_that_fails_leaves_nothing(spool, monkeypatch):
    token = spool.make_token()

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        spool.put(token, None, b"{}")
    assert [path.name for path in spool.folder.iterdir()] == ["key"]


@pytest.mark.parametrize(
    "content", [b"", b"{}\nx", b"[]\n", b"null\n", b'{"token": "a", "header": null, "at": 1}\n']
)
def test_a_file_that_is_no_report(spool, content):
    spool.make_token()
    (spool.folder / "x.report").write_bytes(content)
    assert spool.read("x.report") is None
