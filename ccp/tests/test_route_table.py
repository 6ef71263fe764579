import os

import pytest

from ccp.safe.decisions import Decisions
from ccp.safe.route_table import MAX_ENTRIES, Entry, RouteTable
from ccp.safe.spool import SpoolFullError

KEY = b"k" * 32


@pytest.fixture
def table(tmp_path):
    return RouteTable(tmp_path / "database")


def test_what_was_built_is_found(table):
    entries = [
        (1, "7000000101", Entry(2, 7, 1, 11)),
        (1, "7000000102", Entry(3, 8)),
        (1, "7000000101", Entry(4, 9)),
        (2, "7000000101", Entry(3, 10)),
    ]
    assert table.build(KEY, {"x": [1]}, iter(entries)) == 3
    assert table.about() == {"x": [1]}
    assert table.find(KEY, 1, "7000000101") == (Entry(2, 7, 1, 11), Entry(4, 9))
    assert table.find(KEY, 2, "7000000101") == (Entry(3, 10),)
    assert table.find(KEY, 1, "7000000103") == ()
    assert table.find(b"o" * 32, 1, "7000000101") == ()
    assert [each.name for each in table.folder.iterdir()] == [table.path.name]
    assert table.path.stat().st_mode & 0o077 == 0


def test_a_new_one_takes_the_place_of_the_old_one(table):
    for user_id in (1, 2):
        table.build(KEY, {"n": user_id}, [(1, "7000000101", Entry(1, user_id))])
        assert table.find(KEY, 1, "7000000101") == (Entry(1, user_id),)
        assert table.about() == {"n": user_id}
    table.remove()
    assert table.about() is None
    assert table.find(KEY, 1, "7000000101") == ()
    assert table.built_at() is None


def test_one_number_has_few_entries(table):
    table.build(KEY, {}, [(1, "7000000101", Entry(1, each)) for each in range(100)])
    found = table.find(KEY, 1, "7000000101")
    assert [each.user_id for each in found] == list(range(MAX_ENTRIES))


def test_no_number_is_on_disk_and_each_takes_little_room(table):
    count = 20_000
    numbers = ((1, f"70{each:08}", Entry(2, each, 1, each)) for each in range(count))
    assert table.build(KEY, {}, numbers) == count
    assert table.path.stat().st_size <= 100 * count
    content = table.path.read_bytes()
    for each in (1, 777, 19_999):
        assert f"70{each:08}".encode() not in content
        assert table.find(KEY, 1, f"70{each:08}")[0].user_id == each


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000, b"SQLite format 3\0" + b"\0" * 5000])
def test_a_table_that_cannot_be_read_says_nothing(table, content):
    table.folder.mkdir()
    table.path.write_bytes(content)
    assert table.about() is None
    assert table.find(KEY, 1, "7000000101") == ()
    # The next one is read
    table.build(KEY, {"a": 1}, [])
    assert table.about() == {"a": 1}


def test_a_cut_off_build_leaves_the_old_one(table):
    table.build(KEY, {"n": 1}, [])

    def numbers():
        yield 1, "7000000101", Entry(1, 1)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        table.build(KEY, {"n": 2}, numbers())
    assert table.about() == {"n": 1}
    assert [each.name for each in table.folder.iterdir()] == [table.path.name]


@pytest.fixture
def decisions(tmp_path):
    return Decisions(tmp_path / "database", min_free_bytes=0)


def test_decisions_wait_and_are_read(decisions):
    assert decisions.waiting() == []
    assert decisions.keep(3, "question", {"id": "a"}, now=600) == {"id": "a"}
    (name,) = decisions.waiting()
    assert decisions.load(name) == (3, {"id": "a"})
    assert decisions.names() == []
    decisions.remove(name)
    assert decisions.waiting() == []


def test_the_same_question_gets_the_same_decision(decisions):
    decisions.keep(3, "question", {"id": "a"}, now=600)
    assert decisions.keep(3, "question", {"id": "b"}, now=659) == {"id": "a"}
    assert decisions.keep(4, "question", {"id": "c"}, now=659) == {"id": "c"}
    assert decisions.keep(3, "question", {"id": "d"}, now=660) == {"id": "d"}
    assert len(decisions.waiting()) == 3


def test_a_decision_counts_for_a_while(decisions):
    decisions.keep(3, "question", {"id": "a"}, now=600)
    (name,) = decisions.waiting()
    os.utime(decisions.folder / name, (600, 600))
    assert decisions.known(3, "question", 60, now=655) == {"id": "a"}
    assert decisions.known(3, "question", 60, now=661) is None
    assert decisions.known(3, "other", 60, now=600) is None
    os.utime(decisions.folder / name, (650, 650))
    assert decisions.known(3, "question", 60, now=661) == {"id": "a"}


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"x" * 20_000, b'{"company": "1"}'])
def test_what_is_no_decision_is_put_aside(decisions, content):
    decisions.folder.mkdir()
    (decisions.folder / "0.decision").write_bytes(content)
    assert decisions.load("0.decision") is None
    decisions.put_aside("0.decision")
    assert decisions.waiting() == []
    assert len(list(decisions.folder.iterdir())) == 1


def test_a_full_disk_takes_none(tmp_path):
    with pytest.raises(SpoolFullError):
        Decisions(tmp_path, min_free_bytes=10**18).keep(3, "question", {})
    assert list(tmp_path.iterdir()) == []
