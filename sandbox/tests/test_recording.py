"""Recordings: the sound, the token, byte ranges, and the scripts about them."""

import base64
import io
import time
import wave
from urllib.parse import quote, urlsplit

import pytest
from conftest import WAIT, post, request, specification_sample

from sandbox.recording import UNSATISFIABLE, parse_range
from sandbox.scripts import BY_NAME


class Recorded:
    """A finished call's recording."""

    def __init__(self, sandbox, receiver, script="connects", **more):
        number = BY_NAME[script].number
        post(sandbox, specification_sample(receiver.url, number), **more)
        sandbox.wait_idle(WAIT)
        (cdr,) = receiver.reports("/cdr")[-1:]
        self.session_id = cdr.get("Session_ID") or cdr["vmSessionId"]
        self.url = cdr.get("Recording") or cdr["recordingURL"]
        self.token = self.url.partition("?token=")[2]
        self.plain_url = self.url.partition("?")[0]

    def get(self, method="GET", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.url, method, headers=sent)


@pytest.fixture
def recorded(sandbox, receiver):
    return Recorded(sandbox, receiver)


def test_url(sandbox, recorded):
    assert recorded.plain_url == f"{sandbox.url}/recordings/{recorded.session_id}.wav"
    assert 165 <= len(recorded.token) <= 175
    assert set("+/=") <= set(recorded.token)
    assert base64.b64decode(recorded.token, validate=True)


def test_sound(recorded):
    status, headers, content = recorded.get()
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    assert (headers["Accept-Ranges"], headers["Content-Length"]) == ("bytes", str(len(content)))
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
        seconds = sound.getnframes() / sound.getframerate()
        frames = memoryview(sound.readframes(sound.getnframes())).cast("h")
    # Four seconds and a half are dialling and ringing, of which four are kept, then the talk.
    assert seconds == pytest.approx(24, abs=0.01)
    loudest = [max(map(abs, frames[at * 8000 : (at + 1) * 8000])) for at in range(24)]
    assert 0 < max(loudest[:4]) < max(loudest[5:]) < 32767
    assert min(loudest[5:]) > 500


@pytest.mark.parametrize(
    ("script", "seconds"), [("long_call", 30), ("busy", 2.3), ("rejects", 3.8)]
)
def test_length(make_sandbox, receiver, script, seconds):
    _status, _headers, content = Recorded(make_sandbox(), receiver, script).get()
    with wave.open(io.BytesIO(content)) as sound:
        assert sound.getnframes() / 8000 == pytest.approx(seconds, abs=0.01)


def test_no_two_calls_sound_alike(sandbox, receiver):
    one, two = Recorded(sandbox, receiver), Recorded(sandbox, receiver)
    assert one.token != two.token
    assert one.get()[2] != two.get()[2]
    assert one.get()[1]["ETag"] != two.get()[1]["ETag"]


def test_token_is_needed(sandbox, receiver, recorded):
    other = Recorded(sandbox, receiver)
    wrong = [
        recorded.plain_url,
        recorded.plain_url + "?",
        recorded.plain_url + "?token=",
        recorded.plain_url + "?token=" + other.token,
        recorded.plain_url + "?token=" + recorded.token[:-1],
        recorded.plain_url + "?token=" + quote(recorded.token, safe=""),
        recorded.plain_url + "?token=" + recorded.token.replace("+", "%20"),
        recorded.url + "&more=1",
        recorded.plain_url + "?x=1&token=" + recorded.token,
        recorded.url + "\u00e9".encode().decode("latin-1"),
    ]
    for url in wrong:
        parts = urlsplit(url)
        status, _headers, content = request(
            f"http://{parts.netloc}{parts.path}?{quote(parts.query, safe='=+/%&')}"
        )
        assert (status, content) == (403, b'{"message": "Forbidden"}'), url
    assert recorded.get()[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/",
        "/recordings/00000000-0000-4000-8000-000000000000.wav",
        "/recordings/../server.py",
        "/recordings/x.wav",
    ],
)
def test_unknown_recording(sandbox, path):
    assert request(f"{sandbox.url}{path}?token=x")[0] == 404


def test_wrong_method(recorded):
    status, headers, _content = request(recorded.url, "DELETE")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_head(recorded):
    _status, expected, content = recorded.get()
    status, headers, nothing = recorded.get("HEAD", Range="bytes=0-9")
    assert (status, nothing) == (200, b"")
    assert headers["Content-Length"] == str(len(content))
    assert headers["ETag"] == expected["ETag"]
    assert recorded.get("HEAD")[1]["Accept-Ranges"] == "bytes"


def test_entity_tag(recorded):
    etag = recorded.get()[1]["ETag"]
    status, headers, content = recorded.get(If_None_Match=etag)
    assert (status, content, headers["ETag"]) == (304, b"", etag)
    assert recorded.get(If_None_Match='"other"')[0] == 200
    assert recorded.get(Range="bytes=0-9", If_Range=etag)[0] == 206
    assert recorded.get(Range="bytes=0-9", If_Range='"other"')[0] == 200


SIZE = 1000
RANGES = [
    (None, None),
    ("", None),
    ("bytes=0-0", (0, 0)),
    ("bytes=0-499", (0, 499)),
    ("Bytes=500-", (500, 999)),
    ("bytes=999-", (999, 999)),
    ("bytes=0-99999", (0, 999)),
    ("bytes=-1", (999, 999)),
    ("bytes=-500", (500, 999)),
    ("bytes=-5000", (0, 999)),
    (" bytes=1-2 ", (1, 2)),
    ("bytes=1000-", UNSATISFIABLE),
    ("bytes=5000-6000", UNSATISFIABLE),
    ("bytes=-0", UNSATISFIABLE),
    ("bytes=5-2", None),
    ("bytes=-", None),
    ("bytes=", None),
    ("bytes=0-1,5-6", None),
    ("bytes=a-b", None),
    ("bytes=1-b", None),
    ("bytes=\u0661-\u0662", None),
    ("items=0-1", None),
    ("bytes", None),
    ("bytes=0-" + "9" * 5000, None),
]


@pytest.mark.parametrize(("header", "expected"), RANGES)
def test_parse_range(header, expected):
    assert parse_range(header, SIZE) == expected


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=44-143", "bytes=-7", "bytes=384000-"])
def test_range(recorded, header):
    whole = recorded.get()[2]
    status, headers, content = recorded.get(Range=header)
    first, last = parse_range(header, len(whole))
    assert (status, content) == (206, whole[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert headers["Content-Length"] == str(last - first + 1)


def test_unsatisfiable_range(recorded):
    size = len(recorded.get()[2])
    status, headers, content = recorded.get(Range=f"bytes={size}-")
    assert (status, content, headers["Content-Range"]) == (416, b"", f"bytes */{size}")


def test_several_ranges_are_answered_with_the_whole(recorded):
    assert recorded.get(Range="bytes=0-1,4-5")[::2] == recorded.get()[::2]


def test_late(make_sandbox, receiver):
    recorded = Recorded(make_sandbox(speed=100), receiver, "recording_late")
    assert recorded.get()[0] == 404
    deadline = time.monotonic() + 5
    while recorded.get()[0] == 404 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert recorded.get()[0] == 200


def test_never(make_sandbox, receiver):
    recorded = Recorded(make_sandbox(speed=100000), receiver, "recording_never")
    assert recorded.get()[0] == 404
    assert request(recorded.plain_url)[0] == 403


def test_web_page(make_sandbox, receiver):
    status, headers, content = Recorded(make_sandbox(), receiver, "recording_html").get()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert content.startswith(b"<!DOCTYPE html>")


def test_not_there_before_the_call_has_ended(make_sandbox, receiver):
    sandbox = make_sandbox(speed=1)
    post(sandbox, specification_sample(receiver.url))
    call, token = sandbox.find_call(sandbox.calls()[-1]["sessionId"])
    assert call.recording_url.endswith(token)
    assert request(call.recording_url)[0] == 404


def test_public_url(make_sandbox, receiver):
    sandbox = make_sandbox(public_url="https://ccp.example.com/airtel/")
    recorded = Recorded(sandbox, receiver)
    assert recorded.plain_url == (
        f"https://ccp.example.com/airtel/recordings/{recorded.session_id}.wav"
    )
