"""An incoming call in progress: asks whom it should ring, and reports what happens."""

import logging
import time
from dataclasses import replace

from . import story as stories
from .incoming_reports import render_event, render_incoming_cdr
from .incoming_story import (
    ANSWERED,
    WITHHELD,
    asked_at,
    greeting,
    tell_cut_off,
    tell_left_menu,
    tell_rings,
)
from .posting import CallThread
from .reports import Clock, masked
from .routing import MOST_ANSWERED, Answer, Candidate, Question, RouteError, ask, read_answer
from .validation import SEQUENTIAL, Component, readable

_logger = logging.getLogger("sandbox")

DESK = "Desk"


class IncomingCall(CallThread):
    """Runs one incoming call in a thread of its own.

    :param order: incoming_story.IncomingOrder
    :param manner: incoming_scripts.Manner
    :param line: airtel_numbers.AirtelNumber that the customer called
    :param airtel_numbers: the account's
    :param identity: reports.Identity
    :param cdr_session: the session that the CDR names, or None
    :param template: of the CDR
    :param recording_address: where the recording will be, if there is one
    :param rng: random.Random
    :param more: what every ``posting.CallThread`` needs
    """

    def __init__(
        self,
        *,
        order,
        manner,
        line,
        airtel_numbers,
        identity,
        cdr_session,
        template,
        recording_address,
        rng,
        **more,
    ):
        super().__init__(session_id=identity.session_id, **more)
        self.order = order
        self.manner = manner
        self.switches = manner.switches
        self.line = line
        self.airtel_numbers = airtel_numbers
        self.identity = identity
        self.cdr_session = cdr_session
        self.template = template
        # The clock of its reports, set when the call begins
        self.clock = None
        self._recording_address = recording_address
        self._rng = rng
        self._is_greeted = False
        self._asked_seconds = 0.0

    @property
    def recording_url(self):
        """Address of the recording, or None if there is none."""
        return self._recording_address if self.story and self.story.recorded else None

    def _begin(self):
        speed = 1.0 if self.switches["clock"] == "full" else self.settings.speed
        self.clock = Clock(time.time_ns() // 1_000_000, speed)
        if self.manner.script.leaves_menu:
            self._go_on(tell_left_menu(self.order, self.manner))
            return
        if self.manner.cdr != "first":
            moment = greeting(self.order)
            self._plan_reports([(moment.at, moment)], self.order.callbacks)
            self._is_greeted = True
        self._plan(asked_at(self.order), self._put_through)

    def _put_through(self):
        answer, fault = None, "Airtel's flow asks nobody."
        if self.switches["decision"] and self.line.route_url:
            answer, fault = self._ask()
            if self.stopping.is_set():
                return
            if not answer and self.switches["routeFailure"] == "hangUp":
                self._remark(f"Airtel ends the call. {fault}")
                self._go_on(tell_cut_off(self.order, self.manner, self._now()))
                return
        if not answer:
            self.entry.set(desk=fault)
            answer = self._desk()
        component = self._honoured(answer.component)
        self.entry.set(
            rang=[{"name": each.name, "number": each.number} for each in component.participants],
            strategy=component.strategy,
        )
        self._remark(*answer.remarks)
        self._log_rings(component, fault)
        self._go_on(tell_rings(self.order, self.manner, component, answer.max_time, self._now()))

    def _remark(self, *sentences):
        self.entry.set(remarks=[*self.entry.get("remarks"), *sentences])

    def _now(self):
        """Return the call seconds of the answer's arrival, in the reports' time."""
        if self.switches["clock"] == "full":
            return asked_at(self.order) + self._asked_seconds
        return self.elapsed

    def _ask(self):
        """Return the Answer; or None and why there is no valid one."""
        fault = None
        for attempt in range(1, self.switches["routeRetries"] + 2):
            answer, fault = self._ask_once(attempt)
            if answer or self.stopping.is_set():
                return answer, fault
        return None, fault

    def _ask_once(self, attempt):
        question = Question(self.order, self.line, self.switches)
        seconds = self.switches["routeSeconds"]
        began = time.monotonic()
        answer, fault, status, shown = None, None, None, None
        try:
            status, raw = ask(question, seconds, self.ssl_context, self._note_connection)
            shown = readable(raw[:MOST_ANSWERED])
            answer = self._arrived(attempt, status, raw)
        except RouteError as error:
            fault = str(error)
        took = time.monotonic() - began
        self._asked_seconds += took
        if self._is_late(attempt):
            self._asked_seconds += seconds
            self.stopping.wait(seconds / self.settings.speed)
        self.entry.add(
            "asked",
            attempt=attempt,
            url=self.line.route_url,
            method=question.method,
            form=self.switches["routeForm"],
            authentication=question.authentication,
            sent=question.values,
            status=status,
            seconds=round(took, 3),
            answer=shown,
            fault=fault,
        )
        _logger.info("%s: asked whom to ring -> %s", self._label(), status or fault)
        return answer, fault

    def _note_connection(self, connection):
        self._connection = connection

    def _is_late(self, attempt):
        wanted = self.switches["routeAnswer"]
        return wanted == "late" or (wanted == "second" and attempt == 1)

    def _arrived(self, attempt, status, raw):
        """Return the Answer that arrives according to the switches.

        :raises RouteError: when it is invalid, or should not arrive
        """
        if self._is_late(attempt):
            raise RouteError("The answer is late, because the switch routeAnswer says so.")
        if self.switches["routeAnswer"] == "fails":
            raise RouteError("The answer is lost, because the switch routeAnswer says so.")
        if self.switches["routeAnswer"] == "empty":
            raw = b""
        return read_answer(status, raw, self.order, self.airtel_numbers)

    def _desk(self):
        desk = Candidate(self.line.desk, DESK, self.order.airtel_number)
        return Answer(Component(DESK, SEQUENTIAL, (desk,)))

    def _honoured(self, component):
        """Return the component that Airtel carries out according to the switches."""
        if self.switches["participants"] == "first":
            component = replace(component, participants=component.participants[:1])
        if self.switches["strategy"] != "answered":
            component = replace(component, strategy=self.switches["strategy"])
        return component

    def _go_on(self, story):
        self.story = story
        left = replace(story, moments=story.moments[1:]) if self._is_greeted else story
        self._plan_reports(stories.deliveries(left, self._rng), self.order.callbacks)
        self._plan(story.moments[-1].at, self._note_outcome)

    def _note_outcome(self):
        story = self.story
        answered = story.outcome == ANSWERED
        self.entry.set(
            outcome=story.outcome,
            answeredBy=story.agent_leg.participant.number if answered else None,
            rang=[
                {
                    "name": leg.participant.name,
                    "number": leg.participant.number,
                    "status": leg.status,
                    "answered": leg.answered is not None,
                }
                for leg in story.agent_legs
            ],
        )

    def _payload(self, moment):
        if moment.kind == stories.CDR:
            return render_incoming_cdr(
                self.story,
                self.template,
                self.cdr_session,
                self.clock,
                self.recording_url,
                self.settings.customer_id,
            )
        return render_event(moment, self.order, self.identity.session_id, self.clock)

    def _note(self, payload, **callback):
        self.entry.add("callbacks", **callback, body=payload)

    def _label(self):
        customer = self.order.customer
        return f"Call from {customer if customer == WITHHELD else masked(customer)}"

    def _title(self, moment, name):
        if moment.kind == stories.CDR:
            return "CDR"
        return f"{name} (customer)" if moment.leg.role == stories.FROM else f"{name} (agent)"

    def _log_rings(self, component, fault):
        numbers = ", ".join(masked(each.number) for each in component.participants)
        if fault:
            _logger.warning("%s: rings Airtel's own desk %s. %s", self._label(), numbers, fault)
        else:
            _logger.info("%s: rings %s", self._label(), numbers)
