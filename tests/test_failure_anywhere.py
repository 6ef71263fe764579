import contextlib
import itertools
import json
import logging
import os
import random
import re
import tempfile
import time
from datetime import timedelta
from unittest.mock import patch

from lxml import html

from odoo import SUPERUSER_ID, api, fields
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..ccp.airtel.client import Answer, CcpError
from ..ccp.airtel.pending import Exchange
from ..ccp.safe import download
from ..ccp.safe.spool import Spool
from ..models import ccp_call_answer, ccp_call_dial, ccp_call_event_spool, contention, report_store
from . import seam
from .common import AGENT, CONNECTS, LONG, OTHER_AGENT, CcpCase
from .test_recording import wav

_logger = logging.getLogger(__name__)

# How long all sampled failures together may take
SECONDS = 45
AGENTS = (AGENT, OTHER_AGENT, "7000000903")
CUSTOMERS = (CONNECTS, "7000000102", "7000000103")
URL = "https://recordings.airtel.in/{}.wav?token=a"
TOKEN = re.compile(r"/airtel_ccp/webhook/([\w-]+)")
LOGGERS = (
    "odoo.addons.airtel_ccp",
    "odoo.sql_db",
    "odoo.addons.base.models.ir_cron",
)
ACTIONS = (
    "_cron_fold",
    "_cron_end_silent_calls",
    "_cron_notify",
    "_cron_fetch_recordings",
    "_cron_consume_activities",
)
# What says when something is tried again, how often it was, and by whom and when it was written
UNTOLD = {
    "create_date",
    "create_uid",
    "fold_error",
    "fold_retry_date",
    "notify_date",
    "notify_tries",
    "recording_error",
    "recording_id",
    "recording_next_date",
    "recording_tried_date",
    "recording_tries",
    "settle_date",
    "settle_tries",
    "refusal",
    "activity_id",
    "follow_up_id",
    "write_date",
    "write_uid",
}
DUE_AGAIN = {
    "ccp_call": ("fold_retry_date", "notify_date", "recording_next_date", "settle_date"),
    "ccp_call_event": ("match_date",),
}
# Longer than any pause between two tries
LONG_AGO = timedelta(days=1)
# Of errors that are handled alike, one: all points with each of them take twenty minutes
KINDS = (
    ("UserError", True),
    ("ValueError", True),
    ("OSError", True),
    ("DatabaseError", True),
    ("SerializationFailure", True),
    ("ValueError", False),
    ("SerializationFailure", False),
)


class Sound:
    """What Airtel delivers as a recording."""

    content_type = "audio/wav"

    def iter_chunks(self):
        yield wav()


def words(body):
    """Return what a message says, however its HTML is laid out."""
    return " ".join(html.fragment_fromstring(body or "", create_parent=True).text_content().split())


@tagged("post_install", "-at_install")
class TestFailureAnywhere(CcpCase):
    """Whatever fails for one call: it is tried again, and all other calls are as if nothing was.

    Three calls are placed and reported as ever; then something is done with them, with a fault in
    the work for the second one.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.classPatch(contention, "PAUSE_SECONDS", 0.001)
        cls.classPatch(contention, "WAIT_SECONDS", 0.002)
        cls.classPatch(ccp_call_answer, "PAUSE_SECONDS", 0)
        third = new_test_user(
            cls.env,
            "third_rep",
            "base.group_user,sales_team.group_sale_salesman_all_leads,base.group_partner_manager,"
            "airtel_ccp.group_ccp_user",
            name="Uma Rep",
            ccp_phone=AGENTS[2],
        )
        cls.reps = [cls.rep, cls.other_rep, third]
        cls.company = cls.env.company
        cls.enterClassContext(seam.installed())

    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger(*LOGGERS))
        moment = fields.Datetime.now()
        self.startPatcher(patch.object(fields.Datetime, "now", lambda *_arguments: moment))
        self.startPatcher(
            patch.object(
                download,
                "open_recording",
                seam.point(download, "open_recording", self.open_recording),
            )
        )
        self.held = []
        self.leads = self.env["crm.lead"]
        for rep, customer in zip(self.reps, CUSTOMERS, strict=True):
            partner = self.partner.copy(
                {"name": f"Customer {customer}", "phone": f"+91 {customer}"}
            )
            self.leads |= self.lead.copy(
                {"partner_id": partner.id, "phone": partner.phone, "user_id": rep.id}
            )
        self.calls = self.env["ccp.call"]
        self.folder = self.enterContext(self.own_spool())

    @contextlib.contextmanager
    def own_spool(self):
        spool = Spool(self.enterContext(tempfile.TemporaryDirectory()))
        with patch.object(ccp_call_event_spool, "spool_of", lambda _env: spool):
            yield spool

    @staticmethod
    @contextlib.contextmanager
    def open_recording(*_arguments, **_options):
        yield Sound()

    # The calls, and what Airtel says of them

    def place_all(self):
        """Each rep clicks Call."""
        items = self.env["ccp.call.list.item"]
        for lead, rep in zip(self.leads, self.reps, strict=True):
            items.with_user(rep).add_records(lead._name, lead.ids)
            item = items.search([("user_id", "=", rep.id)])
            self.as_user(self.env["ccp.call"], rep).place(
                lead._name, lead.id, "phone", list_item_id=item.id
            )
            self.env.invalidate_all()
        self.calls = self.env["ccp.call"].search([("res_id", "in", self.leads.ids)], order="id")
        self.bad = self.calls[1]
        posts = [json.dumps(each["body"]) for each in self.sandbox.calls()]
        self.tokens = [TOKEN.search(post).group(1) for post in posts]

    def hold_answers(self):
        """Each rep clicks Call, and Airtel takes its time; see ``act_answers``."""

        class Client:
            def execute(self, _body):
                return Answer("held", 200, 0.1)

        with (
            patch.object(ccp_call_dial, "PATIENCE_SECONDS", 0),
            patch.object(type(self.company), "_ccp_client", lambda *_arguments: Client()),
            patch.object(Exchange, "wait", lambda *_arguments: False),
            patch.object(Exchange, "when_answered", lambda _exchange, take: self.held.append(take)),
        ):
            self.held = []
            self.place_all_unanswered()

    def place_all_unanswered(self):
        for lead, rep in zip(self.leads, self.reps, strict=True):
            self.as_user(self.env["ccp.call"], rep).place(lead._name, lead.id, "phone")
        self.env.invalidate_all()
        self.calls = self.env["ccp.call"].search([("res_id", "in", self.leads.ids)], order="id")
        self.bad = self.calls[1]

    def said(self, number, with_record=True):
        """Return what Airtel says of a call: both talked, and it was recorded."""
        reports = self.connected()
        if with_record:
            reports.append(
                self.cdr(
                    Session_ID=f"session-{number}",
                    Client_Correlation_Id=self.calls[number].correlation_id or "",
                    Recording=URL.format(number),
                )
            )
        text = json.dumps(reports)
        text = text.replace(AGENT, AGENTS[number]).replace(CONNECTS, CUSTOMERS[number])
        return [json.dumps(each).encode() for each in json.loads(text)]

    def post_all(self, with_record=True):
        """Airtel posts its reports of each call."""
        for number, token in enumerate(self.tokens):
            for raw in self.said(number, with_record):
                self.post(token, raw)

    def post(self, token, raw):
        self.env.flush_all()
        with self.registry.cursor() as cr:
            self.assertTrue(report_store.receive(cr, token, None, raw))
        self.env.invalidate_all()

    # What is done, with a fault in it

    def alone(self, do, user=None):
        """Do something as a process of Odoo does: in a transaction of its own.

        :return: the exception that it ended with, if any
        """
        self.env.flush_all()
        try:
            with self.registry.cursor() as cr:
                do(api.Environment(cr, user.id if user else SUPERUSER_ID, {}))
        except Exception as error:  # noqa: BLE001 - the caller says what is wrong with it
            return error
        finally:
            self.env.invalidate_all()
        return None

    def action(self, name, model="ccp.call"):
        """Run a scheduled action, which must not fail for one call's sake."""
        error = self.alone(lambda env: getattr(env[model], name)())
        if error:
            raise AssertionError(f"{name} failed as a whole: {error!r}") from error

    def each(self, do):
        """Each rep does something with the own call; only that of the bad one may fail."""
        for call, rep in zip(self.calls, self.reps, strict=True):
            # Without those that are read together with it
            own = call.browse(call.id)
            error = self.alone(lambda env, own=own: do(env, own.with_env(env)), rep)
            if error and call != self.bad:
                raise AssertionError(f"it failed for a call without a fault: {error!r}") from error

    def administrator(self, do):
        """Somebody does something with all calls, who sees it if that fails."""
        self.alone(do, self.env.ref("base.user_admin"))

    def acts(self):
        """Return by name: what comes before, what is done then, and whether it can be repeated."""
        return {
            "fold": (self.reported, lambda: self.action("_cron_fold"), True),
            "notes": (self.noted, lambda: self.action("_cron_fold"), True),
            "notify": (self.unnotified, lambda: self.action("_cron_notify"), True),
            "end": (self.silent, lambda: self.action("_cron_end_silent_calls"), True),
            "panel": (self.reported, self.act_panel, True),
            "close": (self.silent, self.act_close, True),
            "form": (self.reported, self.act_refresh, True),
            "fold again": (self.folded, self.act_fold_again, True),
            "replay": (self.folded, self.act_replay, True),
            "answers": (self.hold_answers, self.act_answers, False),
            "refusals": (self.hold_answers, self.act_refusals, False),
            "fetch": (self.folded, lambda: self.action("_cron_fetch_recordings"), True),
            "match": (self.unmatched, lambda: self.action("_cron_fold"), True),
            "disk": (self.spooled, lambda: self.action("_cron_fold"), True),
            "retention": (self.old, lambda: self.action("_cron_delete_old_data"), True),
            "retention of calls": (
                self.very_old,
                lambda: self.action("_cron_delete_old_data"),
                True,
            ),
            "planned calls": (
                self.planned,
                lambda: self.action("_cron_consume_activities"),
                True,
            ),
            "note": (self.folded, self.act_note, True),
            "follow-up": (self.folded, self.act_follow_up, True),
            "dismiss": (self.planned, self.act_dismiss, True),
        }

    def reported(self):
        self.place_all()
        self.post_all()

    def noted(self):
        self.company.ccp_chatter_mode = "notes"
        self.reported()

    def folded(self):
        self.reported()
        self.action("_cron_fold")

    def unnotified(self):
        self.reported()
        owner = type(self.env["ccp.call"])
        with patch.object(owner, "_notify", side_effect=ValueError):
            self.action("_cron_fold")
        self.make_due()

    def silent(self):
        self.place_all()
        self.post_all(with_record=False)
        self.action("_cron_fold")
        self.calls.deadline = fields.Datetime.now() - timedelta(seconds=1)

    def unmatched(self):
        self.place_all()
        for number in range(len(self.calls)):
            self.post(self.company.ccp_webhook_token, self.said(number)[-1])

    def spooled(self):
        self.place_all()
        for number, token in enumerate(self.tokens):
            for raw in self.said(number):
                self.folder.put(token, None, raw)

    def old(self):
        self.company.write({"ccp_keep_recordings_days": 1, "ccp_keep_reports_days": 1})
        self.folded()
        self.action("_cron_fetch_recordings")
        self.calls.start_date = fields.Datetime.now() - timedelta(days=3)
        # The cards say when it was, as those of calls that are old
        for call in self.calls:
            call._notify_anew()

    def very_old(self):
        self.old()
        self.company.ccp_keep_calls_days = 2

    def planned(self):
        for lead, rep in zip(self.leads, self.reps, strict=True):
            lead.activity_schedule("mail.mail_activity_data_call", user_id=rep.id)
        self.folded()
        self.calls.end_date = fields.Datetime.now() - timedelta(hours=1)

    def act_panel(self):
        self.each(lambda env, _call: env["ccp.panel"].state())

    def act_close(self):
        self.each(lambda env, call: env["ccp.panel"].close(call.id))

    def act_refresh(self):
        self.each(lambda _env, call: call.action_refresh())

    def act_fold_again(self):
        self.administrator(lambda env: self.calls.with_env(env).action_fold_again())

    def act_replay(self):
        for call in self.calls:
            event = call.event_ids[:1].browse(call.event_ids[:1].id)
            self.administrator(lambda env, event=event: event.with_env(env).action_replay())

    def act_answers(self):
        class Accepted:
            def __init__(self, number):
                self.number = number

            def answer(self):
                return Answer(f"Xchange-{self.number}", 200, 0.1)

        for number, take in enumerate(self.held):
            take(Accepted(number))
            self.env.invalidate_all()

    def act_refusals(self):
        class Refused:
            def answer(self):
                raise CcpError("refused", "HTTP_403", status=403)

        for take in self.held:
            take(Refused())
            self.env.invalidate_all()

    def act_note(self):
        self.each(lambda env, call: env["ccp.panel"].save_note(call.id, "Likes tea", ""))

    def act_follow_up(self):
        self.each(lambda env, call: env["ccp.panel"].follow_up(call.id, "tomorrow", "Offer"))

    def act_dismiss(self):
        self.each(lambda env, call: env["ccp.panel"].dismiss(call.id))

    # What is there afterwards

    def make_due(self):
        """Move every moment at which something is tried again into the past."""
        past = fields.Datetime.now() - LONG_AGO
        self.env.flush_all()
        for table, columns in DUE_AGAIN.items():
            for column in columns:
                self.env.cr.execute(
                    f"UPDATE {table} SET {column} = %s WHERE {column} IS NOT NULL", [past]
                )
        self.env.invalidate_all()

    def is_due(self):
        """Return whether anything is to be tried again."""
        calls = self.calls.exists()
        return any(
            call[name] for call in calls for name in DUE_AGAIN["ccp_call"] if name in call._fields
        ) or bool(calls.filtered(lambda call: call.state == "ended" and not call.ended))

    def settle(self, act):
        """Let everything run again, now that nothing fails any more."""
        self.alone(lambda env: env["ccp.call.event"]._take_back())
        for _turn in range(3):
            self.make_due()
            for name in ACTIONS:
                self.action(name)
            if not self.is_due():
                break
        if self.company.ccp_keep_reports_days:
            self.action("_cron_delete_old_data")

    def states(self):
        """Return what is known of each call, and what others see of it."""
        self.env.flush_all()
        self.env.invalidate_all()
        found = []
        for call, lead in zip(self.calls, self.leads, strict=True):
            threads = [lead, lead.partner_id]
            values = {
                name: value
                for name, value in (call.read()[0] if call.exists() else {}).items()
                if call._fields[name].store
                and name not in UNTOLD
                and call._fields[name].type not in ("one2many", "many2many")
            }
            activities = self.env["mail.activity"].with_context(active_test=False)
            found.append(
                {
                    "call": values,
                    "sound": call.exists().recording_id.checksum or "",
                    "reports": sorted(
                        (event.fingerprint, event.folded, event.matched_by, event.payload)
                        for event in call.exists().event_ids
                    ),
                    "requests": call.exists().request_ids.mapped("status"),
                    "item": call.exists().list_item_id.state,
                    "chatter": [
                        sorted(words(message.body) for message in thread.message_ids)
                        for thread in threads
                    ],
                    "activities": sorted(
                        (each.summary or "", str(each.date_deadline), each.active)
                        for each in activities.search(
                            [("res_model", "=", "crm.lead"), ("res_id", "=", lead.id)]
                        )
                    ),
                }
            )
        return found

    def run_act(self, act, number=None, error=None, is_lasting=True):
        """Do something, with one point in it failing, then without any.

        :return: the seam, the states right afterwards and those at the end
        """
        _prepare, do, _again = self.acts()[act]
        gate = seam.Seam(self.ids(), self.texts(), number, error, is_lasting)
        with self.env.cr.savepoint() as savepoint, self.kept_files():
            with gate.active():
                do()
            after = self.states()
            if gate.failures and self.acts()[act][2]:
                do()
            self.settle(act)
            end = self.states()
            savepoint.rollback()
        return gate, after, end

    @contextlib.contextmanager
    def kept_files(self):
        """Put the reports on disk back afterwards."""
        files = {path: path.read_bytes() for path in self.folder.folder.iterdir()}
        try:
            yield
        finally:
            for path in self.folder.folder.iterdir():
                path.unlink()
            for path, content in files.items():
                path.write_bytes(content)

    def ids(self):
        bad = self.bad
        return {
            "ccp.call": set(bad.ids),
            "ccp.call.event": set(
                self.env["ccp.call.event"]
                .search([])
                .filtered(
                    lambda event: (
                        event.call_id == bad
                        or (not event.call_id and "session-1" in (event.payload or ""))
                    )
                )
                .ids
            ),
            "ccp.call.list.item": set(bad.list_item_id.ids),
            "ccp.request.log": set(bad.request_ids.ids),
        }

    def texts(self):
        files = [path for path in self.folder.folder.iterdir() if path.suffix != ".key"]
        return {
            path.name: bad_digest in path.read_text()
            for path in files
            for bad_digest in [self.bad.token_digest]
            if path.name != "key"
        }

    def violations(self, act, reference, number, error, is_lasting):
        """Return what one failure changed that it may not change."""
        after, end = reference
        try:
            gate, found_after, found_end = self.run_act(act, number, error, is_lasting)
        except Exception as failure:  # noqa: BLE001 - shown with the others
            return [f"{type(failure).__name__}: {failure}"]
        found = []
        for place, call in enumerate(self.calls):
            who = "the call" if call == self.bad else "another call"
            if call != self.bad:
                found += self.differences(f"{who}, at once", after[place], found_after[place])
            found += self.differences(f"{who}, at the end", end[place], found_end[place])
        return found

    def differences(self, what, wanted, got):
        found = []
        for key, value in wanted.items():
            if key == "call":
                found += [
                    f"{what}: {name} is {got[key].get(name)!r}, not {value[name]!r}"
                    for name in value
                    if got[key].get(name) != value[name]
                ]
            elif got[key] != value:
                found.append(f"{what}: {key}: {str(got[key])[:200]} not {str(value)[:200]}")
        return found

    def test_one_failure(self):
        """Each point, each error, each time or once; in the short form some of all that."""
        seed = int(os.environ.get("SEED") or 1)
        rng = random.Random(seed)
        acts = list(self.acts())
        rng.shuffle(acts)
        began = time.monotonic()
        runs = 0
        for position, act in enumerate(acts):
            left = SECONDS - (time.monotonic() - began)
            until = time.monotonic() + left / (len(acts) - position)
            with self.subTest(act=act, seed=seed), self.prepared(act) as (reference, points):
                chosen = self.choose(rng, points)
                for number, error, is_lasting in chosen:
                    if not LONG and time.monotonic() > until:
                        break
                    runs += 1
                    with self.subTest(point=points[number], error=error, is_lasting=is_lasting):
                        found = self.violations(act, reference, number, error, is_lasting)
                        self.assertFalse(found, "\n".join(found))
        _logger.info("%s failures in %.0f s, seed %s", runs, time.monotonic() - began, seed)

    @contextlib.contextmanager
    def prepared(self, act):
        """Make the calls that something is done with; afterwards there are none.

        :return: what is known of them after it is done without a failure, and the points it passes
        """
        with self.env.cr.savepoint() as savepoint, self.kept_files():
            self.acts()[act][0]()
            self.env.flush_all()
            gate, after, end = self.run_act(act)
            self.assertTrue(gate.points, "nothing can fail in it")
            yield (after, end), gate.points
            savepoint.rollback()
        self.sandbox.clear()

    def choose(self, rng, points):
        """Return all that may fail, as the number of a point, an error and whether it lasts."""
        ways = KINDS if LONG else itertools.product(seam.ERRORS, (True, False))
        found = [(number, *way) for way in ways for number in range(len(points))]
        rng.shuffle(found)
        return [each for each in found if seam.may_raise(points[each[0]], each[1])]
