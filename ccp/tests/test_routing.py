import json

import pytest

from ccp.airtel import routing
from ccp.airtel.routing import Question, read

CUSTOMER, AIRTEL = "7000000101", "8000000001"
ASKED = Question(CUSTOMER, AIRTEL)
BODY = {"callingParticipant": CUSTOMER, "callerId": AIRTEL}
QUERY = f"callingParticipant={CUSTOMER}&callerId={AIRTEL}"
DEVANAGARI = str.maketrans("0123456789", "".join(map(chr, range(0x966, 0x970))))


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ("", json.dumps(BODY), "application/json"),
        ("", json.dumps(BODY), "text/plain"),
        ("", json.dumps(BODY).encode("utf-16"), "application/json"),
        ("", json.dumps({"data": BODY}), ""),
        ("", json.dumps([BODY]), ""),
        ("", json.dumps({"callingParticipant": int(CUSTOMER), "callerId": float(AIRTEL)}), ""),
        ("", json.dumps({"calling_participant": CUSTOMER, "Caller ID": AIRTEL}), ""),
        ("", QUERY, "application/x-www-form-urlencoded"),
        ("", QUERY, "application/json"),
        (QUERY, "", ""),
        (QUERY, "{}", "application/json"),
        (QUERY, "{broken", "application/json"),
        (
            "",
            '--x\r\nContent-Disposition: form-data; name="callingParticipant"\r\n\r\n'
            f'{CUSTOMER}\r\n--x\r\nContent-Disposition: form-data; name="callerId"\r\n'
            f"Content-Type: text/plain\r\n\r\n{AIRTEL}\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_every_form_says_the_same(query, body, content_type):
    raw = body if isinstance(body, bytes) else body.encode()
    assert read(query, raw, content_type) == ASKED


def test_a_digit_of_the_menu():
    assert read(f"{QUERY}&dialKey=2").digit == "2"
    assert read("", json.dumps({**BODY, "dialKey": 2}).encode()).digit == "2"
    assert read("", json.dumps({**BODY, "DTMF_Capture": "1 | 3"}).encode()).digit == "3"
    assert read(f"{QUERY}&dialKey=22").digit == ""
    assert read(f"{QUERY}&dialKey=None").digit == ""


def test_digits_of_other_scripts():
    body = {name: value.translate(DEVANAGARI) for name, value in BODY.items()}
    assert read("", json.dumps(body).encode()) == ASKED
    assert read("", json.dumps(body, ensure_ascii=False).encode()) == ASKED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"{",
        b"[]",
        b"null",
        b"[[[[[[]]]]]]",
        b"\xff" * 1000,
        b"x" * 1_000_000,
        b'{"callingParticipant": {"a": 1}, "callerId": [1]}',
        b'{"callingParticipant": null, "callerId": ""}',
        json.dumps({"callingParticipant": "9" * 5000}).encode(),
        b"&".join(b"a=%d" % each for each in range(5000)),
        b"[" * 60_000,
    ],
)
def test_what_cannot_be_read_is_empty(body):
    for content_type in ("", "application/json", "multipart/form-data; boundary=x"):
        question = read("", body, content_type)
        assert not question.is_readable
        assert question == Question()


def test_numbers_as_they_are_spelled():
    spelled = {"callingParticipant": "+91 70000-00101", "callerId": "1800 123 456"}
    question = read("", json.dumps(spelled).encode())
    assert question == Question("917000000101", "1800123456")
    withheld = read("", json.dumps({**BODY, "callingParticipant": "anonymous"}).encode())
    assert withheld == Question("", AIRTEL)


@pytest.mark.parametrize("spelled", ["+1 917 555 0123", "+65 8123 4567", "0014155550123"])
def test_a_customer_abroad_is_nobody_in_india(spelled):
    question = read("", json.dumps({**BODY, "callingParticipant": spelled}).encode())
    assert question.is_readable
    assert routing.customer_key(question.customer) == ""
    exchanged = {"callingParticipant": f"+{AIRTEL}", "callerId": spelled}
    turned = read("", json.dumps(exchanged).encode()).turned({AIRTEL})
    assert routing.customer_key(turned.customer) == ""
    assert routing.key(turned.airtel_number) == AIRTEL


def test_numbers_are_told_apart_by_what_they_are_not_by_their_names():
    known = {AIRTEL}
    assert ASKED.turned(known) == ASKED
    assert Question("0" + AIRTEL, "91" + CUSTOMER).turned(known) == Question(
        "91" + CUSTOMER, "0" + AIRTEL
    )
    # Ourselves, and a number that is not ours: as Airtel names them
    assert Question(AIRTEL, AIRTEL).turned(known) == Question(AIRTEL, AIRTEL)
    assert Question(CUSTOMER, "8000000099").turned(known) == Question(CUSTOMER, "8000000099")
    assert Question(AIRTEL, "").turned(known) == Question("", AIRTEL)


def test_the_answer():
    assert routing.answer([("Asha Rep", "7000000901")], AIRTEL, "one") == {
        "client_add_participant": {
            "participants": [
                {
                    "participantName": "AshaRep",
                    "participantAddress": "7000000901",
                    "callerId": AIRTEL,
                    "maxRetries": 1,
                    "audioId": 0,
                    "maxTime": 0,
                    "enableEarlyMedia": "false",
                }
            ],
            "mergingStrategy": "SEQUENTIAL",
            "maxTime": 0,
        }
    }
    with pytest.raises(ValueError, match="nobody"):
        routing.answer([], AIRTEL, "one")


def test_names_in_the_answer_are_letters_and_digits_and_differ():
    many = [("आशा", "7000000901"), ("Ravi-Rep", "7000000902"), ("Ravi Rep", "7000000903")]
    answer = routing.answer(many, AIRTEL, "PARALLEL")["client_add_participant"]
    assert answer["mergingStrategy"] == "PARALLEL"
    names = [each["participantName"] for each in answer["participants"]]
    assert names == ["Agent", "RaviRep", "RaviRep2"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8000000001", "8000000001"),
        ("+91 80000 00001", "8000000001"),
        ("08000000001", "8000000001"),
        ("1800 123 4567", "18001234567"),
        ("18001234", "18001234"),
        ("01860 1234 567", "18601234567"),
    ],
)
def test_airtel_numbers(text, number):
    assert routing.read_airtel_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "80000", "80000000011", "1900123456789", None, "800000000x1"]
)
def test_no_airtel_numbers(text):
    with pytest.raises(ValueError, match="no Airtel number"):
        routing.read_airtel_number(text)


def test_phones_that_can_be_rung():
    assert routing.phone("+917000000901") == "7000000901"
    assert routing.phone("0000000901") == ""
    assert routing.phone("12345") == ""
