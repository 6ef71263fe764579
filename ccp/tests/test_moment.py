"""What one process notes is seen by another one, and what cannot be noted claims nothing."""

import subprocess
import sys

import pytest

from ccp.safe.moment import Moment

NOTE = "import sys; from ccp.safe.moment import Moment; Moment(sys.argv[1]).set(Moment.now())"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "machine.woken"


def test_another_processs_moment_counts_from_when_it_was(path):
    before = Moment.now()
    subprocess.run([sys.executable, "-c", NOTE, str(path)], check=True)
    assert Moment(path).is_since(before)
    assert not Moment(path).is_since(Moment.now())


def test_the_last_one_counts(path):
    moment = Moment(path)
    first = Moment.now()
    moment.set(first)
    second = Moment.now()
    assert not moment.is_since(second)
    moment.set(second)
    assert moment.is_since(second)


def test_a_moment_of_a_machine_that_ran_for_longer_does_not_count(path):
    moment = Moment(path)
    moment.set(Moment.now() + 10**12)
    assert not moment.is_since(0)


def test_nothing_noted_claims_nothing(path):
    assert not Moment(path).is_since(0)


def test_a_folder_that_takes_no_file_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    moment = Moment(tmp_path / "file" / "machine.woken")
    moment.set(Moment.now())
    assert not moment.is_since(0)
