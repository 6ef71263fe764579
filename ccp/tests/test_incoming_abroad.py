"""Callers from abroad: the last ten digits of their numbers may be somebody's in India."""

import pytest
from inbound import (
    AIRTEL,
    ASHA,
    CAMEL,
    CUSTOMER,
    RAVI,
    REDUCED,
    SAMPLES,
    START,
    TOLL_FREE,
    event,
    read,
)

from ccp.airtel.reports import parse
from ccp.call import incoming
from ccp.call.timeline import Dialled, fold

AIRTEL_NUMBERS, AGENTS = frozenset({AIRTEL, TOLL_FREE}), frozenset({ASHA, RAVI})
ABROAD = ("+1 917 555 0123", "19175550123", "0014155550123", "447911123456", "+65 8123 4567")
INCOMING = Dialled((ASHA, RAVI), (), incoming=True, airtel_number=AIRTEL)


def spelled(value, number):
    """The same with another number wherever the customer's is."""
    if isinstance(value, dict):
        return {name: spelled(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [spelled(each, number) for each in value]
    is_customer = isinstance(value, str) and value.endswith(CUSTOMER) and len(value) < 16
    return number if is_customer else value


@pytest.mark.parametrize("number", ABROAD)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_customer_is_withheld(name, number):
    report = read(spelled(SAMPLES[name], number))
    last = "".join(filter(str.isdigit, number))[-10:]
    for agents in (AGENTS, frozenset()):
        call = incoming.read(report, AIRTEL_NUMBERS, agents)
        if call:
            assert call.customer == ""
            assert last not in (*call.agents, call.airtel_number)


@pytest.mark.parametrize("number", ABROAD)
def test_nobody_at_that_number_was_rung(number):
    samples = [read(spelled(each, number)) for each in SAMPLES.values()]
    for reports in ([each] for each in samples):
        story = fold(reports, INCOMING)
        assert {story.picked_up, *story.ringing, *story.missed} <= {"", ASHA, RAVI, *_others()}
    story = fold([event("Ringing", ASHA, 1, number), event("Answer", ASHA, 9, number)], INCOMING)
    assert (story.picked_up, story.missed) == (ASHA, ())
    story = fold([event("Played", number, 0, number, kind="MEDIA")], INCOMING)
    assert (story.ringing, story.missed) == ((), ())


def _others():
    """Whom the samples name besides the customer."""
    return {
        number
        for sample in SAMPLES.values()
        for call in [incoming.read(read(sample), AIRTEL_NUMBERS, AGENTS)]
        if call
        for number in call.agents
    }


def test_the_same_digits_without_the_code_are_the_same_caller_s():
    report = read(REDUCED | {"Caller_Number": "+19175550123", "Destination_CLI": "9175550123"})
    assert incoming.read(report, AIRTEL_NUMBERS, AGENTS).customer == ""


def test_an_airtel_number_is_known_however_it_is_spelled():
    for number in (f"+{AIRTEL}", f"1{AIRTEL}"):
        report = read(CAMEL | {"calledNumber": number, "callerId": number})
        call = incoming.read(report, AIRTEL_NUMBERS, AGENTS)
        assert (call.airtel_number, call.customer) == (AIRTEL, CUSTOMER)


def test_the_phones_of_an_outgoing_call_are_known_as_before():
    dialled = Dialled((ASHA,), (CUSTOMER,))
    plain, coded = (
        [event("Answer", f"{code}{ASHA}", 1), event("Answer", f"{code}{CUSTOMER}", 9)]
        for code in ("", "+1")
    )
    assert fold(coded, dialled) == fold(plain, dialled)
    assert fold([*plain, *coded], dialled) == fold(plain, dialled)


def test_a_decision_names_nobody_abroad():
    decided = parse('{"decision": 1, "id": "%s", "customer": "+19175550123"}' % ("0" * 32), START)
    assert decided.customer == ""
