"""Calls that come in: who took them, whom they ring, who missed them."""

import time

import pytest
from inbound import (
    AIRTEL,
    ASHA,
    ASHA_MISSES,
    CALL,
    CAMEL,
    CUSTOMER,
    GREETING,
    MEENA,
    RAVI,
    REDUCED,
    RINGS_ASHA,
    RINGS_RAVI,
    STRANGER,
    at,
    ended,
    epoch,
    event,
    leaves,
    read,
    record,
    to,
)

from ccp.call.timeline import fold

# Nobody picked up: by events

NOBODY = {
    "gives up while it rings": ([RINGS_ASHA, leaves(20)], "abandoned", (ASHA,)),
    "gives up while it is dialled": (
        [event("CalledNumber", ASHA, 3, CUSTOMER), leaves(4)],
        "abandoned",
        (ASHA,),
    ),
    "the phone rings a moment longer": (
        [RINGS_ASHA, leaves(20), event("Disconnected", ASHA, 20.2, CUSTOMER, causeCode=16)],
        "abandoned",
        (ASHA,),
    ),
    "the phone rings when the customer has just gone": (
        [event("Ringing", ASHA, 20.1, CUSTOMER), leaves(20)],
        "abandoned",
        (ASHA,),
    ),
    "the phone is said to be unanswered a moment later": (
        [RINGS_ASHA, leaves(20), event("Noanswer", ASHA, 20.2, CUSTOMER)],
        "abandoned",
        (ASHA,),
    ),
    "all ends in one moment": (
        [RINGS_ASHA, leaves(20), event("Disconnected", ASHA, 20, CUSTOMER, causeCode=16)],
        "abandoned",
        (ASHA,),
    ),
    "it rang long enough": ([RINGS_ASHA, ASHA_MISSES, leaves(30)], "agent_no_answer", (ASHA,)),
    "the agent is busy": (
        [event("CalledNumber", ASHA, 3, CUSTOMER), event("Busy", ASHA, 4, CUSTOMER), leaves(5)],
        "agent_busy",
        (ASHA,),
    ),
    "the agent declines": (
        [RINGS_ASHA, event("Disconnected", ASHA, 9, CUSTOMER, causeCode=21), leaves(9.5)],
        "agent_busy",
        (ASHA,),
    ),
    "the agent is out of reach": (
        [event("NotReachable", ASHA, 6, CUSTOMER), leaves(6.5)],
        "agent_unreachable",
        (ASHA,),
    ),
    "two agents, one after the other": (
        [
            event("Busy", ASHA, 4, CUSTOMER),
            event("Ringing", RAVI, 6, CUSTOMER),
            event("Noanswer", RAVI, 40, CUSTOMER),
            leaves(41),
        ],
        "agent_no_answer",
        (ASHA, RAVI),
    ),
    "gives up while the second one rings": (
        [RINGS_ASHA, ASHA_MISSES, RINGS_RAVI, leaves(40)],
        "abandoned",
        (ASHA, RAVI),
    ),
    "gives up between two agents": (
        [RINGS_ASHA, ASHA_MISSES, leaves(33)],
        "agent_no_answer",
        (ASHA,),
    ),
    "gives up in the menu": ([GREETING, leaves(12)], "abandoned", ()),
    "a phone rings that Airtel tried again too late": (
        [RINGS_ASHA, ASHA_MISSES, leaves(31), event("Ringing", ASHA, 32, CUSTOMER)],
        "agent_no_answer",
        (ASHA,),
    ),
    "nothing but that the customer has gone": ([leaves(12)], "abandoned", ()),
    "an agent of whom nobody knew": (
        [event("Ringing", STRANGER, 4, CUSTOMER), leaves(20)],
        "abandoned",
        (STRANGER,),
    ),
    "the customer's network": (
        [RINGS_ASHA, event("NetworkError", CUSTOMER, 20, causeCode=31)],
        "abandoned",
        (ASHA,),
    ),
    "no report tells its time": (
        [
            event("Ringing", ASHA, 4, CUSTOMER, timed=False),
            event("Disconnected", CUSTOMER, 20, timed=False),
        ],
        "abandoned",
        (ASHA,),
    ),
}


@pytest.mark.parametrize(("reports", "result", "missed"), NOBODY.values(), ids=NOBODY)
def test_nobody_picked_up(reports, result, missed):
    assert ended(*reports) == ("ended", result, "", missed)


def test_without_an_end_nobody_knows():
    assert ended(closed=True) == ("ended", "no_report", "", ())
    assert ended(RINGS_ASHA, closed=True) == ("ended", "no_report", "", (ASHA,))
    assert ended(RINGS_ASHA, ASHA_MISSES, closed=True)[1] == "agent_no_answer"
    assert ended(GREETING, closed=True)[1] == "no_report"


@pytest.mark.parametrize("word", ["Busy", "Noanswer", "NotReachable", "Rejected"])
def test_who_called_is_neither_busy_nor_out_of_reach(word):
    """Such a word says something of a phone that Airtel rang, whoever is named."""
    story = fold([RINGS_ASHA, event(word, CUSTOMER, 9)], CALL)
    assert (story.state, story.ringing) == ("ringing_agent", (ASHA,))


def test_a_customer_who_is_dropped_because_the_agent_was_busy_is_gone():
    reports = [event("Disconnected", CUSTOMER, 9, causeCode=17)]
    assert ended(event("Busy", ASHA, 8, CUSTOMER), *reports)[:2] == ("ended", "agent_busy")


# Nobody picked up: by the CDR

BY_RECORD = {
    "nothing more": ({}, "agent_no_answer", ()),
    "the last one tried": ({"destinationNumber": ASHA}, "agent_no_answer", (ASHA,)),
    "the Airtel number in place of an agent": (
        {"destinationNumber": AIRTEL},
        "agent_no_answer",
        (),
    ),
    "the customer in place of an agent": ({"destinationNumber": CUSTOMER}, "agent_no_answer", ()),
    "the ring group": (
        {"Missed_Destination_Number": f"0{ASHA} | 0{RAVI}"},
        "agent_no_answer",
        (ASHA, RAVI),
    ),
    "busy": (
        {"destinationNumber": ASHA, "destinationNumberStatus": "Busy"},
        "agent_busy",
        (ASHA,),
    ),
    "busy as a whole": (
        {"destinationNumber": ASHA, "destinationNumberStatus": "Disconnected", "status": "x"}
        | {"overallCallStatus": "Busy"},
        "agent_busy",
        (ASHA,),
    ),
    "out of reach": (
        {"Destination_Number": ASHA, "Destination_Status_Detail": "20 | 480 | Absent | Removed"},
        "agent_unreachable",
        (ASHA,),
    ),
    "the network gave up a phone": (
        {"destinationNumber": ASHA, "destinationNumberStatus": "Network Error"},
        "agent_no_answer",
        (ASHA,),
    ),
    "the network gave up the call": (
        {"overallCallStatus": "Failed", "destinationNumber": ASHA},
        "failed",
        (ASHA,),
    ),
    "the customer hung up": ({"hangUpStatus": "Party A"}, "abandoned", ()),
    "the customer hung up on a phone": (
        {"hangUpStatus": "Party A", "destinationNumber": ASHA},
        "abandoned",
        (ASHA,),
    ),
    "the customer hung up on a phone that is said to be unanswered": (
        {"hangUpStatus": "Party A", "destinationNumber": ASHA}
        | {"destinationNumberStatus": "Noanswer"},
        "abandoned",
        (ASHA,),
    ),
    "the customer hung up when the agent was busy": (
        {"hangUpStatus": "Party A", "overallCallStatus": "Busy"},
        "agent_busy",
        (),
    ),
    "Airtel hung up": ({"hangUpStatus": "SYSTEM_INITIATED"}, "agent_no_answer", ()),
    "the agent declined": ({"hangUpStatus": "Party B"}, "agent_no_answer", ()),
    "the customer's leg ended first": (
        {
            "participants": [
                {"participantAddress": CUSTOMER, "participantType": "From", "endTime": epoch(20)},
                {"participantAddress": ASHA, "participantType": "To", "endTime": epoch(20.1)},
            ]
        },
        "abandoned",
        (ASHA,),
    ),
    "the agent's leg ended first": (
        {
            "participants": [
                {"participantAddress": CUSTOMER, "participantType": "From", "endTime": epoch(20)},
                {"participantAddress": ASHA, "participantType": "To", "endTime": epoch(20)},
            ]
        },
        "agent_no_answer",
        (ASHA,),
    ),
    "an end that is no answer counts before the order of the ends": (
        {
            "participants": [
                {"participantAddress": CUSTOMER, "participantType": "From", "endTime": epoch(20)},
                {
                    "participantAddress": ASHA,
                    "participantType": "To",
                    "endTime": epoch(21),
                    "status": "Noanswer",
                },
            ]
        },
        "agent_no_answer",
        (ASHA,),
    ),
}


@pytest.mark.parametrize(("fields", "result", "missed"), BY_RECORD.values(), ids=BY_RECORD)
def test_nobody_picked_up_by_the_record(fields, result, missed):
    report = record(**{"overallCallStatus": "Missed", "conversationDuration": 0} | fields)
    assert ended(report) == ("ended", result, "", missed)
    assert fold([report], CALL).talk_seconds == 0


def test_events_show_that_a_customer_gave_up_where_the_record_does_not():
    missed = record(overallCallStatus="Missed", destinationNumber=ASHA)
    assert ended(RINGS_ASHA, leaves(20), missed)[1] == "abandoned"
    assert ended(RINGS_ASHA, ASHA_MISSES, leaves(30), missed)[1] == "agent_no_answer"
    assert ended(leaves(20), missed)[1] == "agent_no_answer"
    assert ended(leaves(20), record(overallCallStatus="Missed"))[1] == "abandoned"
    group = record(overallCallStatus="Missed", Missed_Destination_Number=ASHA)
    assert ended(leaves(20), group)[1] == "agent_no_answer"
    busy = record(overallCallStatus="Busy", hangUpStatus="Party A")
    assert ended(RINGS_ASHA, leaves(20), busy)[1] == "abandoned"
    by_customer = record(overallCallStatus="Missed", hangUpStatus="Party A", destinationNumber=ASHA)
    assert ended(leaves(20), by_customer)[1] == "abandoned"
    assert ended(RINGS_ASHA, ASHA_MISSES, leaves(33), by_customer)[1] == "agent_no_answer"
    out_of_reach = {"destinationNumber": ASHA, "destinationNumberStatus": "Not Reachable"}
    assert ended(RINGS_ASHA, leaves(20), record(**out_of_reach))[1] == "agent_unreachable"
    by_airtel = record(overallCallStatus="Missed", hangUpStatus="SYSTEM_INITIATED")
    assert ended(RINGS_ASHA, leaves(20), by_airtel)[1] == "agent_no_answer"


def test_who_hung_up_on_a_phone_that_rang():
    assert fold([RINGS_ASHA, leaves(20)], CALL).hung_up_by == "customer"
    assert fold([RINGS_ASHA, ASHA_MISSES, leaves(30)], CALL).hung_up_by is None


# Several agents


def test_several_phones_ring_at_once():
    arrived, seen = [], []
    for report in (
        event("Ringing", RAVI, 4.1, CUSTOMER),
        RINGS_ASHA,
        event("Rejected", ASHA, 8, CUSTOMER),
        event("Ringing", MEENA, 9, CUSTOMER),
        event("Answer", RAVI, 11, CUSTOMER),
        event("Disconnected", MEENA, 11.2, CUSTOMER, causeCode=26),
        leaves(50),
    ):
        arrived.append(report)
        story = fold(arrived, CALL)
        seen.append((story.state, story.ringing, story.picked_up, story.missed))
    assert seen == [
        ("ringing_agent", (RAVI,), "", ()),
        ("ringing_agent", (ASHA, RAVI), "", ()),
        ("ringing_agent", (RAVI,), "", (ASHA,)),
        ("ringing_agent", (RAVI, MEENA), "", (ASHA,)),
        ("in_call", (), RAVI, (ASHA, MEENA)),
        ("in_call", (), RAVI, (ASHA, MEENA)),
        ("ended", (), RAVI, (ASHA, MEENA)),
    ]
    assert (story.agent.address, story.answered_at, story.talk_seconds) == (RAVI, at(11), 39)


def test_an_agent_who_is_tried_again():
    again = [RINGS_ASHA, ASHA_MISSES, event("Ringing", ASHA, 40, CUSTOMER)]
    story = fold(again, CALL)
    assert (story.ringing, story.missed) == ((ASHA,), ())
    story = fold([*again, event("Answer", ASHA, 45, CUSTOMER)], CALL)
    assert (story.state, story.picked_up, story.missed) == ("in_call", ASHA, ())


def test_the_call_ends_with_the_agent_who_took_it():
    talks = [RINGS_ASHA, event("Answer", ASHA, 11, CUSTOMER)]
    assert fold([*talks, event("Disconnected", RAVI, 12, CUSTOMER)], CALL).state == "in_call"
    over = fold([*talks, event("Disconnected", ASHA, 40, CUSTOMER, causeCode=16)], CALL)
    assert (over.state, over.hung_up_by, over.talk_seconds) == ("ended", "agent", 29)


def test_of_two_who_answer_the_first_one_took_it():
    reports = [event("Answer", RAVI, 11.1, CUSTOMER), event("Answer", ASHA, 11, CUSTOMER)]
    story = fold([*reports, event("Disconnected", RAVI, 11.5, CUSTOMER)], CALL)
    assert (story.state, story.picked_up, story.missed) == ("in_call", ASHA, (RAVI,))
    assert (story.agent.address, story.answered_at) == (ASHA, at(11))


def test_the_record_says_who_took_it():
    reports = [RINGS_ASHA, ASHA_MISSES, RINGS_RAVI]
    report = record(overallCallStatus="Answered", destinationNumber=RAVI)
    story = fold([*reports, report], CALL)
    assert (story.picked_up, story.missed) == (RAVI, (ASHA,))
    assert (story.agent.address, story.agent.end) == (RAVI, None)
    short = record(overallCallStatus="Answered", destinationNumber="12")
    answered = event("Answer", RAVI, 40, CUSTOMER)
    assert fold([*reports, answered, short], CALL).picked_up == RAVI
    unknown = record(overallCallStatus="Answered", destinationNumber=STRANGER)
    assert fold([*reports, unknown], CALL).picked_up == STRANGER


def test_who_took_it_is_not_guessed():
    """Whoever was not seen to miss it may have taken it."""
    report = record(overallCallStatus="Answered", conversationDuration=9_000)
    story = fold([RINGS_ASHA, ASHA_MISSES, RINGS_RAVI, report], CALL)
    assert (story.result, story.picked_up, story.missed) == ("connected", "", (ASHA,))


PARTICIPANTS = {
    "when it was answered": ([to(ASHA), to(RAVI, callAnswerTime=epoch(9)), to(MEENA)], {}),
    "the status of others": (
        [to(ASHA, status="Noanswer"), to(RAVI), to(MEENA, status="Busy")],
        {},
    ),
    "the status": ([to(ASHA, status="Noanswer"), to(RAVI, status="Answered"), to(MEENA)], {}),
    "who missed it": (
        [to(ASHA), to(RAVI), to(MEENA)],
        {"Missed_Destination_Number": f"{ASHA} | {MEENA}"},
    ),
    "the record's own field": ([to(ASHA), to(RAVI), to(MEENA)], {"destinationNumber": RAVI}),
    "who was tried last": (
        [to(ASHA, startTime=epoch(1)), to(RAVI, startTime=epoch(9)), to(MEENA)],
        {},
    ),
}


@pytest.mark.parametrize(("participants", "fields"), PARTICIPANTS.values(), ids=PARTICIPANTS)
def test_of_several_participants_one_took_it(participants, fields):
    for order in (participants, participants[::-1]):
        report = record(overallCallStatus="Answered", participants=order, **fields)
        story = fold([report], CALL)
        assert story.picked_up == RAVI
        assert set(story.missed) == {ASHA, MEENA}


def test_a_record_that_names_only_who_missed_it():
    parts = [to(ASHA, status="Noanswer")]
    report = record(overallCallStatus="Answered", conversationDuration=9000, participants=parts)
    assert ended(report) == ("ended", "connected", "", (ASHA,))
    answers = event("Answer", RAVI, 11, CUSTOMER)
    story = fold([report, answers], CALL)
    assert (story.picked_up, story.missed) == (RAVI, (ASHA,))
    assert (story.agent.address, story.agent.answered_at) == (RAVI, at(11))
    story = fold([report, event("Answer", ASHA, 11, CUSTOMER)], CALL)
    assert (story.picked_up, story.agent.address, story.missed) == (ASHA, ASHA, ())


def test_a_record_of_a_missed_call_is_about_whom_it_names_last():
    parts = [to(ASHA, status="Busy"), to(RAVI)]
    report = record(overallCallStatus="Missed", participants=parts, destinationNumber=ASHA)
    assert ended(report)[1] == "agent_busy"


def test_a_record_for_each_try():
    tries = [
        record(50, overallCallStatus="Missed", destinationNumber=ASHA, Caller_Circle_Name="Delhi"),
        record(60, overallCallStatus="Answered", destinationNumber=RAVI, conversationDuration=9000),
        record(55, destinationNumber=MEENA, destinationNumberStatus="Noanswer"),
    ]
    for order in (tries, tries[::-1]):
        story = fold(order, CALL)
        assert (story.result, story.picked_up) == ("connected", RAVI)
        assert set(story.missed) == {ASHA, MEENA}
        assert story.agent.address == RAVI


def test_an_entry_of_another_phone_lends_nothing():
    one = record(overallCallStatus="Answered", destinationNumber=RAVI)
    other = record(
        callStatus="Eaten", duration=1, destinationNumber=ASHA, Destination_Operator_Name="Jio"
    )
    assert fold([one, other], CALL).agent.operator == ""
    same = record(
        callStatus="Eaten", duration=1, destinationNumber=RAVI, destinationOperatorName="J"
    )
    assert fold([one, same], CALL).agent.operator == "J"


def test_who_was_tried_is_in_the_order_of_the_tries():
    reports = [RINGS_RAVI, event("Ringing", ASHA, 35, CUSTOMER), leaves(60)]
    assert fold(reports, CALL).missed == (RAVI, ASHA)
    # Neither the customer nor the Airtel number is an agent's
    group = f"{CUSTOMER} | {AIRTEL}"
    nobody = record(overallCallStatus="Missed", Missed_Destination_Number=group)
    assert fold([*reports, nobody], CALL).missed == (RAVI, ASHA)
    # Others, of whom only the record knows, come after them
    group = f"{MEENA} | {STRANGER} | {RAVI}"
    report = record(overallCallStatus="Missed", Missed_Destination_Number=group)
    assert fold([*reports, report], CALL).missed == (RAVI, ASHA, STRANGER, MEENA)


def test_ten_reports_of_an_incoming_call_are_quick():
    reports = [
        GREETING,
        RINGS_ASHA,
        ASHA_MISSES,
        RINGS_RAVI,
        leaves(50),
        read(CAMEL),
        read(REDUCED),
    ]

    def once():
        started = time.process_time()
        fold(reports, CALL)
        return time.process_time() - started

    assert min(once() for _ in range(50)) < 1e-3


def test_a_flood_of_strange_numbers_is_bearable():
    numbers = [f"97{number:08d}" for number in range(1500)]
    reports = [event("Ringing", each, place / 1000, CUSTOMER) for place, each in enumerate(numbers)]
    parts = [{"participantType": "To", "status": "Busy"}] * 20
    reports += [
        record(
            place, overallCallStatus="Missed", participants=parts, Missed_Destination_Number=each
        )
        for place, each in enumerate(numbers[:100])
    ]
    started = time.process_time()
    fold(reports, CALL)
    assert time.process_time() - started < 6


# The menu


def test_what_was_pressed_in_the_menu():
    def key(digit, seconds):
        return event("Captured", CUSTOMER, seconds, kind="DTMF", digits=digit)

    reports = [key("1", 5), key("2", 3), event("Answer", ASHA, 11, CUSTOMER), key("9", 20)]
    assert fold(reports, CALL).keys == "21"
    assert fold([key("2", 3)], CALL).keys == "2"
    silent = record(overallCallStatus="Missed", DTMF_Capture=None)
    assert fold([key("2", 3), silent], CALL).keys == "2"
    assert fold([key("12345", second) for second in range(20)], CALL).keys == ("12345" * 20)[:64]
    assert fold(
        [*reports, record(overallCallStatus="Answered", DTMF_Capture="7 | 8")], CALL
    ).keys == ("78")


def test_a_menu_that_answers_is_no_conversation():
    in_menu = record(overallCallStatus="Answered", conversationDuration=0)
    assert ended(in_menu)[1] == "agent_no_answer"
    assert ended(in_menu, leaves(9))[1] == "abandoned"
    status = {"destinationNumber": ASHA, "destinationNumberStatus": "Noanswer"}
    tried = record(overallCallStatus="Answered", conversationDuration=0, **status)
    assert ended(tried) == ("ended", "agent_no_answer", "", (ASHA,))
    reached = record(overallCallStatus="Answered", conversationDuration=0, destinationNumber=ASHA)
    assert ended(reached)[1] == "connected"
    heard = [event("Answer", ASHA, 11, CUSTOMER), in_menu]
    assert ended(*heard)[1:3] == ("connected", ASHA)
