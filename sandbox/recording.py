"""The recordings that the sandbox serves: a small WAV, its secret token, its byte ranges."""

import array
import hashlib
import io
import math
import re
import sys
import wave
from functools import lru_cache

FRAMES_PER_SECOND = 8000
LONGEST_SECONDS = 30.0
LONGEST_RING = 4.0
TOKEN_BYTES = 127

HTML_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>"
    b"<body><h1>Sign in</h1><p>Your session has expired.</p></body></html>\n"
)

UNSATISFIABLE = "unsatisfiable"
_SINGLE_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.IGNORECASE)


def parts_of(story):
    """Return for how many seconds a recording rings, and for how many people talk.

    If the agent is called first, recording begins when the agent answers, so the customer's phone
    is heard ringing. These are call seconds: a faster sandbox shortens waiting times, not the
    sound.
    """
    until = story.ended if story.talk_started is None else story.talk_started
    ring = min(until - story.record_started, LONGEST_RING)
    return ring, min(story.talk_seconds, LONGEST_SECONDS - ring)


@lru_cache(maxsize=32)
def make_wav(session_id, ring_seconds, talk_seconds):
    """Return a WAV file: 8 kHz, mono, 16 bit.

    A soft double ring, then beeps of two alternating pitches, like two people talking. Pitches and
    rhythm depend on the session id, so no two calls sound alike.

    :param session_id: UUID text
    :param ring_seconds: how long it rings
    :param talk_seconds: how long it talks after that
    :return: bytes
    """
    fingerprint = hashlib.sha256(session_id.encode()).digest()
    samples = array.array("h")
    _ring(samples, round(ring_seconds * FRAMES_PER_SECOND))
    _talk(samples, round(talk_seconds * FRAMES_PER_SECOND), fingerprint)
    if sys.byteorder == "big":
        samples.byteswap()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(FRAMES_PER_SECOND)
        sound.writeframes(samples.tobytes())
    return buffer.getvalue()


def _tone(pitches, seconds, volume):
    count = int(seconds * FRAMES_PER_SECOND)
    fade = min(count // 4, FRAMES_PER_SECOND // 50)
    level = volume * 32767 / len(pitches)
    samples = array.array("h", bytes(2 * count))
    for index in range(count):
        value = sum(math.sin(2 * math.pi * pitch * index / FRAMES_PER_SECOND) for pitch in pitches)
        # Without the fades every beep would click.
        envelope = min(1.0, index / fade, (count - index) / fade)
        samples[index] = int(level * envelope * value)
    return samples


def _silence(seconds):
    return array.array("h", bytes(2 * int(seconds * FRAMES_PER_SECOND)))


def _ring(samples, frames):
    burst = _tone((400, 450), 0.4, 0.12)
    pattern = burst + _silence(0.2) + burst + _silence(1.0)
    while len(samples) < frames:
        samples.extend(pattern)
    del samples[frames:]


def _talk(samples, frames, fingerprint):
    end = len(samples) + frames
    agent = _tone((280 + fingerprint[0] % 64,), 0.18, 0.3)
    customer = _tone((420 + fingerprint[1] % 64,), 0.14, 0.3)
    pause, gap = _silence(0.35), _silence(0.07)
    turn = 0
    while len(samples) < end:
        voice = agent if turn % 2 == 0 else customer
        for _beep in range(2 + fingerprint[2 + turn % 16] % 5):
            samples.extend(voice)
            samples.extend(gap)
        samples.extend(pause)
        turn += 1
    del samples[end:]


def etag_of(content):
    """Return a strong ETag for bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def parse_range(header, size):
    """Read a Range header with one range of bytes (RFC 9110, section 14).

    :param header: the header's value or None
    :param size: length of the whole, in bytes
    :return: None if everything should be sent (no header, another unit, several ranges, nonsense);
        UNSATISFIABLE; or (first, last), both inclusive
    """
    match = _SINGLE_RANGE.fullmatch(header.strip()) if header else None
    # No file is that long, and int() is slow with many digits.
    if not match or not any(match.groups()) or max(map(len, match.groups())) > 18:
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, size - 1) if length else UNSATISFIABLE
    start = int(first)
    end = int(last) if last else size - 1
    if last and end < start:
        return None
    return (start, min(end, size - 1)) if start < size else UNSATISFIABLE


def recording_of(story, identity):
    """Return the bytes and the content type of a call's recording."""
    if story.script.recording == "html":
        return HTML_PAGE, "text/html; charset=utf-8"
    return make_wav(identity.session_id, *parts_of(story)), "audio/wav"
