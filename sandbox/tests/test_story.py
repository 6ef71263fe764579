"""What happens in a call, told without clocks, threads or network."""

import json
import random

import pytest
from conftest import AGENT, specification_sample

from sandbox.reports import Clock, Identity, render, time_text
from sandbox.scripts import BY_NAME, CALL_SCRIPTS, script_for
from sandbox.settings import Settings
from sandbox.story import deliveries, tell
from sandbox.validation import read_order

POOL = ("7000000901", "7000000902")
OTHER_AGENT = "9876543211"


def story_of(
    customers=("7000000101",), agents=(AGENT,), to="SEQUENTIAL", first="SEQUENTIAL", **more
):
    """Tell the call that these numbers and strategies make.

    ``more``: ``second`` (a further addParticipant component's numbers), ``retries``, ``pool``.
    """
    body = specification_sample()
    parts = body["callFlowConfiguration"]

    def participants(numbers, prefix):
        return [
            {
                "participantAddress": number,
                "callerId": "8000000001",
                "participantName": f"{prefix}{index}",
                "maxRetries": more.get("retries", 0),
            }
            for index, number in enumerate(numbers, 1)
        ]

    parts["initiateCall_1"].update(mergingStrategy=first, participants=participants(agents, "A"))
    parts["addParticipant_1"].update(mergingStrategy=to, participants=participants(customers, "B"))
    if "second" in more:
        parts["addParticipant_2"] = {"participants": participants(more["second"], "C")}
    if more.get("pool"):
        del parts["addParticipant_1"]["participants"]
        parts["addParticipant_1"].update(agentPoolId="POOL", callerId="8000000001")
    order = read_order(json.dumps(body).encode(), Settings(), lambda: POOL)
    return tell(order, script_for(order.customer_number))


def calls(story):
    """Return a story's CALL events as (who, event)."""
    return [
        (moment.leg.participant.name or moment.leg.participant.number, moment.event)
        for moment in story.moments
        if moment.event_type == "CALL"
    ]


def of(story, who):
    return [event for name, event in calls(story) if name == who]


def test_times_of_a_call_that_connects():
    story = story_of()
    times = [(moment.kind, moment.event, round(moment.at, 3)) for moment in story.moments]
    assert times == [
        ("api_result", "", 0.2),
        ("event", "CalledNumber", 0.5),
        ("event", "Ringing", 1.0),
        ("event", "Answer", 4.0),
        ("event", "RecordingStarted", 4.1),
        ("event", "CalledNumber", 4.3),
        ("event", "Ringing", 4.8),
        ("event", "Answer", 8.8),
        ("event", "Disconnected", 28.8),
        ("event", "Removed", 29.0),
        ("event", "RecordingFinished", 29.2),
        ("cdr", "", 30.3),
    ]
    assert story.talk_seconds == pytest.approx(20)


def test_long_call_talks_for_five_minutes():
    assert story_of(["7000000123"]).talk_seconds == pytest.approx(300)


@pytest.mark.parametrize("script", [s for s in CALL_SCRIPTS if s.calls], ids=lambda s: s.name)
@pytest.mark.parametrize("retries", [0, 3])
def test_every_story_is_whole(script, retries):
    story = story_of([script.number], retries=retries)
    times = [moment.at for moment in story.moments]
    assert times == sorted(times)
    assert [moment.kind for moment in story.moments].count("cdr") == 1
    assert story.moments[-1].kind == "cdr"
    for leg in story.agent_legs + story.customer_legs:
        assert leg.ended is not None
        assert leg.started < leg.ended
        assert leg.answered is None or leg.started < leg.answered < leg.ended
        assert leg.cause
        assert leg.retries <= retries
    recordings = [moment.event for moment in story.moments if moment.event_type == "RECORD"]
    assert recordings == (["RecordingStarted", "RecordingFinished"] if story.recorded else [])


@pytest.mark.parametrize(
    ("number", "tries"),
    [("7000000104", 4), ("7000000105", 4), ("7000000103", 1), ("7000000106", 1)],
)
def test_retries_are_for_who_does_not_answer(number, tries):
    story = story_of([number], retries=3)
    assert of(story, "B1").count("CalledNumber") == tries
    assert story.customer_leg.retries == tries - 1


def test_customers_one_after_another():
    story = story_of(["7000000103", "7000000104", "7000000101", "9123456789"])
    assert of(story, "B1") == ["CalledNumber", "Busy"]
    assert of(story, "B2") == ["CalledNumber", "Ringing", "Noanswer"]
    assert of(story, "B3") == ["CalledNumber", "Ringing", "Answer", "Disconnected"]
    assert of(story, "B4") == []
    assert story.customer_leg.participant.number == "7000000101"


def test_customers_at_once():
    story = story_of(["7000000103", "7000000101", "9123456789"], to="PARALLEL")
    assert of(story, "B1") == ["CalledNumber", "Busy"]
    assert of(story, "B2") == ["CalledNumber", "Ringing", "Answer", "Disconnected"]
    # The second one's answer ends the third one's ringing.
    assert of(story, "B3") == ["CalledNumber", "Ringing", "Disconnected"]
    dialled = [leg.started for leg in story.customer_legs]
    assert len(set(dialled)) == 1
    assert story.customer_legs[2].answered is None


def test_canceled_leg_counts_only_the_tries_that_were_made():
    story = story_of(["7000000101", "7000000104"], to="PARALLEL", retries=3)
    assert of(story, "B2") == ["CalledNumber", "Ringing", "Disconnected"]
    assert story.customer_legs[1].retries == 0


def test_nobody_of_several_customers_answers():
    for strategy in ("SEQUENTIAL", "PARALLEL"):
        story = story_of(["7000000103", "7000000106"], to=strategy)
        assert story.talk_started is None
        assert calls(story)[-1] == ("A1", "Removed")


def test_agents_one_after_another_and_at_once():
    assert of(story_of(agents=[AGENT, OTHER_AGENT]), "A2") == []
    nobody = story_of(["7000000119"], agents=[AGENT, OTHER_AGENT])
    assert calls(nobody) == [
        ("A1", "CalledNumber"),
        ("A1", "Busy"),
        ("A2", "CalledNumber"),
        ("A2", "Busy"),
    ]
    parallel = story_of(agents=[AGENT, OTHER_AGENT], first="PARALLEL")
    assert of(parallel, "A2") == ["CalledNumber", "Ringing", "Disconnected"]


def test_agents_in_a_conference_all_stay():
    story = story_of(agents=[AGENT, OTHER_AGENT], first="CONFERENCE")
    assert of(story, "A2") == ["CalledNumber", "Ringing", "Answer", "Disconnected"]
    assert of(story, "A1")[-1] == "Removed"
    lonely = story_of(["7000000103"], agents=[AGENT, OTHER_AGENT], first="CONFERENCE")
    assert of(lonely, "A2")[-1] == "Disconnected"
    assert of(lonely, "A1")[-1] == "Removed"


def test_round_robin_rings_the_pool():
    assert of(story_of(to="ROUND_ROBIN", pool=True), POOL[0])[-1] == "Disconnected"
    assert of(story_of(to="ROUND ROBIN", pool=True), POOL[1]) == []


def test_a_second_component_is_dialled_when_the_first_fails():
    story = story_of(["7000000103"], second=["9123456789"])
    assert of(story, "C1") == ["CalledNumber", "Ringing", "Answer", "Disconnected"]
    assert of(story_of(second=["9123456789"]), "C1") == []


def test_shuffle_is_repeatable():
    story = story_of(["7000000112"])

    def order(seed):
        return [(at, moment.index) for at, moment in deliveries(story, random.Random(seed))]

    assert order(1) == order(1) != order(2)


def test_early_cdr_keeps_the_other_events_in_order():
    story = story_of([BY_NAME["cdr_early"].number])
    plan = deliveries(story, random.Random(1))
    assert [at for at, _moment in plan] == sorted(at for at, _moment in plan)
    assert [moment.event or moment.kind for _at, moment in plan][-4:] == [
        "cdr",
        "Disconnected",
        "Removed",
        "RecordingFinished",
    ]


def test_clock():
    clock = Clock(started=1_582_719_586_399, speed=2)
    assert clock.milliseconds(None) is None
    assert clock.milliseconds(3) == 1_582_719_587_899
    assert clock.between(1, 3) == 1000
    assert clock.between(None, 3) == clock.between(3, None) == 0
    assert time_text(clock.started) == "2020-02-26T12:19:46.399+0000"


def test_a_moment_has_one_id_per_call():
    story = story_of()
    clock = Clock(0, 1)

    def event_id(session_id, position):
        return render(story.moments[position], story, Identity(session_id), clock)["eventId"]

    one, two = "0" * 8 + "-0000-4000-8000-" + "0" * 12, "1" * 8 + "-0000-4000-8000-" + "0" * 12
    assert event_id(one, 1) == event_id(one, 1)
    assert len({event_id(one, 1), event_id(one, 2), event_id(two, 1)}) == 3
