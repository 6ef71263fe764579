"""An error's name holds nothing from outside, and tells an administrator what to mend."""

import errno
import os

import pytest
import requests

from ccp.safe.faults import name_of


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE])
def test_the_operating_systems_reason_is_in_it(number):
    error = OSError(number, os.strerror(number), "/somewhere/secret-token")
    assert os.strerror(number) in name_of(error)
    assert "secret" not in name_of(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        requests.ConnectionError("https://recordings.example/secret"),
        OSError("secret"),
        OSError(),
    ],
)
def test_an_errors_own_text_is_left_out(error):
    assert name_of(error) == type(error).__name__
