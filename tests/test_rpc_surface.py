import json

from odoo import fields
from odoo.http import Controller
from odoo.tests import HttpCase, new_test_user, tagged

from .common import CcpCase
from .test_recording import wav

ADDON = "odoo.addons.airtel_ccp."
# Who asks: a portal user, an employee without rights to call, a rep who does not own the records,
# a team leader and a manager of calls of another team, an administrator who does not call
ROLES = ("portal", "employee", "rep", "leader", "manager", "administrator")
NOBODY = frozenset()
EVERYBODY = frozenset(ROLES)
CALLERS = frozenset({"rep", "leader", "manager"})
LEADERS = frozenset({"leader", "manager"})
MANAGERS = frozenset({"manager"})
ADMINISTRATORS = frozenset({"administrator"})
EMPLOYEES = EVERYBODY - {"portal"}
# Every method that the addon adds and that a browser can name in a request, with who may call it
# on the rep's own call, and with which arguments others try
METHODS = {
    "ccp.call.action_call_again": MANAGERS,
    "ccp.call.action_change_record": MANAGERS,
    "ccp.call.action_close": MANAGERS,
    "ccp.call.action_fold_again": ADMINISTRATORS,
    "ccp.call.action_open_record": MANAGERS,
    "ccp.call.action_refresh": MANAGERS,
    "ccp.call.action_toggle_keep_forever": MANAGERS,
    "ccp.call.link_record": MANAGERS,
    "ccp.call.place": CALLERS,
    "ccp.callback.action_call_back": MANAGERS,
    "ccp.callback.action_open_drop": MANAGERS,
    "ccp.callback.action_open_hand_over": MANAGERS,
    "ccp.callback.action_open_record": MANAGERS,
    "ccp.callback.action_take": MANAGERS,
    "ccp.callback.entry.action_drop": CALLERS,
    "ccp.callback.entry.action_hand_over": CALLERS,
    "ccp.call.entry.action_confirm": CALLERS,
    "ccp.call.entry.action_save": CALLERS,
    "ccp.call.entry.default_get": CALLERS,
    "ccp.call.link.action_link": CALLERS,
    "ccp.call.event.action_fold_again": ADMINISTRATORS,
    "ccp.call.event.action_replay": ADMINISTRATORS,
    "ccp.call.flow.create": ADMINISTRATORS,
    "ccp.call.flow.unlink": ADMINISTRATORS,
    "ccp.call.flow.write": ADMINISTRATORS,
    "ccp.call.flow.menu.create": ADMINISTRATORS,
    "ccp.call.flow.menu.unlink": ADMINISTRATORS,
    "ccp.call.flow.menu.write": ADMINISTRATORS,
    "ccp.call.outcome.create": ADMINISTRATORS,
    "ccp.call.outcome.unlink": ADMINISTRATORS,
    "ccp.call.outcome.write": ADMINISTRATORS,
    "ccp.call.list.item.action_add": CALLERS,
    "ccp.call.list.item.action_again": NOBODY,
    "ccp.call.list.item.action_skip": NOBODY,
    "ccp.call.list.item.add_records": CALLERS,
    "ccp.call.list.item.create": CALLERS,
    "ccp.call.list.item.unlink": NOBODY,
    "ccp.call.list.item.write": NOBODY,
    "ccp.callable.mixin.action_ccp_call": CALLERS,
    "ccp.callable.mixin.action_ccp_call_button": CALLERS,
    "ccp.callable.mixin.action_ccp_calls": CALLERS,
    "ccp.dashboard.figures": LEADERS,
    "ccp.dashboard.live": LEADERS,
    "ccp.erasure.action_erase": MANAGERS,
    "ccp.fold.again.action_fold_again": ADMINISTRATORS,
    "ccp.health.action_check": ADMINISTRATORS,
    "ccp.health.action_try_again": ADMINISTRATORS,
    "ccp.history.import.action_choose": MANAGERS | ADMINISTRATORS,
    "ccp.history.import.action_import": MANAGERS | ADMINISTRATORS,
    "ccp.history.import.action_open_calls": MANAGERS | ADMINISTRATORS,
    "ccp.history.import.action_preview": MANAGERS | ADMINISTRATORS,
    "ccp.history.import.action_refresh": MANAGERS | ADMINISTRATORS,
    "ccp.manual.call.action_log": CALLERS,
    "ccp.panel.choose_record": CALLERS,
    "ccp.panel.close": CALLERS,
    "ccp.panel.dismiss": CALLERS,
    "ccp.panel.find": CALLERS,
    "ccp.panel.find_records": CALLERS,
    "ccp.panel.follow_up": CALLERS,
    "ccp.panel.follow_up_times": CALLERS,
    "ccp.panel.new_contact": CALLERS,
    "ccp.panel.new_lead": CALLERS,
    "ccp.panel.open_call": CALLERS,
    "ccp.panel.save_note": CALLERS,
    "ccp.panel.save_outcome": CALLERS,
    "ccp.panel.set_away": CALLERS,
    "ccp.panel.state": CALLERS,
    "ccp.panel.take_back_follow_up": CALLERS,
    "ccp.phone.import.action_import": ADMINISTRATORS,
    "ccp.phone.import.action_take_employees": ADMINISTRATORS,
    "ccp.postman.import.action_save": ADMINISTRATORS,
    "ccp.route.try.action_open": ADMINISTRATORS,
    "ccp.route.try.action_try": ADMINISTRATORS,
    "ccp.setup.action_call": ADMINISTRATORS,
    "ccp.setup.action_check": ADMINISTRATORS,
    "ccp.setup.action_delete_trial_calls": ADMINISTRATORS,
    "ccp.setup.action_open": ADMINISTRATORS,
    "ccp.setup.action_renew_route_token": ADMINISTRATORS,
    "ccp.setup.action_renew_token": ADMINISTRATORS,
    "ccp.setup.action_test_route": ADMINISTRATORS,
    "ccp.setup.action_users": ADMINISTRATORS,
    "crm.lead.action_ccp_call": CALLERS,
    "crm.lead.action_ccp_call_button": CALLERS,
    "crm.lead.action_ccp_calls": CALLERS,
    "crm.team.action_ccp_calls": CALLERS,
    "digest.digest.action_ccp_weekly_mail": LEADERS,
    # Odoo's own, which the addon extends: a recording is deleted by nobody, with its call only
    "ir.attachment.unlink": frozenset(),
    # This one only returns data about the caller
    "ir.http.session_info": EVERYBODY,
    "ir.module.module.button_uninstall": ADMINISTRATORS,
    "res.company.create": ADMINISTRATORS,
    "res.company.unlink": ADMINISTRATORS,
    "res.company.write": ADMINISTRATORS,
    "res.config.settings.action_ccp_check_health": ADMINISTRATORS,
    "res.config.settings.action_ccp_renew_token": ADMINISTRATORS,
    "res.partner.action_ccp_call": CALLERS,
    "res.partner.action_ccp_call_button": CALLERS,
    "res.partner.action_ccp_calls": CALLERS,
    "res.users.action_ccp_calls": CALLERS,
    "res.users.ccp_set_away": CALLERS,
    "res.users.create": ADMINISTRATORS,
    "res.users.write": ADMINISTRATORS,
}
# Path, kind of authentication, methods
ROUTES = {
    ("/airtel_ccp/webhook/<string:token>", "none", ("POST",)),
    ("/airtel_ccp/route/<string:token>", "none", ("GET", "POST")),
    ("/airtel_ccp/recording/<int:call_id>", "user", ("GET", "HEAD")),
}


def split(name):
    model, _dot, method = name.rpartition(".")
    return model, method


@tagged("post_install", "-at_install")
class TestRpcSurface(CcpCase, HttpCase):
    """What a browser can ask for: one table, and what others than those in it get."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sales = "base.group_user,sales_team.group_sale_salesman_all_leads,"
        groups = {
            "portal": "base.group_portal",
            "employee": f"{sales}base.group_allow_export",
            "rep": f"{sales}base.group_allow_export,airtel_ccp.group_ccp_user",
            "leader": f"{sales}base.group_allow_export,airtel_ccp.group_ccp_team_leader",
            "manager": f"{sales}base.group_allow_export,airtel_ccp.group_ccp_manager",
            "administrator": "base.group_user,base.group_system",
        }
        for role, names in groups.items():
            new_test_user(cls.env, f"role_{role}", names, name=f"Some {role}")

    def setUp(self):
        super().setUp()
        self.call = self.make_call(live=False)
        self.report(self.call, *self.connected())
        self.item = self.env["ccp.call.list.item"].create(
            {"user_id": self.rep.id, "res_model": "res.partner", "res_id": self.partner.id}
        )
        self.team = self.env["crm.team"].create({"name": "North"})
        now = fields.Datetime.now()
        self.callback = self.env["ccp.callback"].create(
            {
                "company_id": self.env.company.id,
                "customer_number": "7000000101",
                "user_id": self.rep.id,
                "team_id": self.team.id,
                **dict.fromkeys(("first_missed", "last_missed", "opened_date", "due_date"), now),
            }
        )
        self.call.recording_url = "https://recordings.airtel.in/sound"
        self.call._store_recording(wav(), "audio/wav")
        self.env["ccp.health"]._check(self.env.company, ["phones"])
        self.env.flush_all()

    def surface(self):
        """Return the public methods that the addon adds, each with its model."""
        return {
            f"{name}.{attribute}"
            for name, model in self.env.registry.items()
            for part in model.__mro__
            if getattr(part, "__module__", "").startswith(ADDON)
            for attribute, value in vars(part).items()
            if not attribute.startswith("_")
            and callable(value)
            and not getattr(value, "_api_private", False)
            and not self.is_from_a_foreign_addon(name)
        }

    def is_from_a_foreign_addon(self, model):
        """Return whether a model of another addon only uses this addon's mixin."""
        return (
            self.env[model]._original_module != "airtel_ccp" and f"{model}.x" in METHODS
        ) or model in ("event.registration", "hr.applicant", "helpdesk.ticket")

    def test_every_method_is_in_the_table(self):
        self.assertEqual(self.surface(), set(METHODS))

    def test_every_route_is_in_the_table(self):
        found = set()
        controllers = [
            each
            for each in Controller.children_classes["airtel_ccp"]
            if each.__module__.startswith(ADDON)
        ]
        for controller in controllers:
            for value in vars(controller).values():
                routing = getattr(value, "original_routing", None)
                for path in (routing or {}).get("routes", ()):
                    found.add((path, routing["auth"], tuple(routing["methods"])))
        self.assertEqual(found, ROUTES)

    def arguments(self, name):
        """Return plausible arguments of a method: the ids of the rep's records first."""
        model, method = split(name)
        ids = {
            "ccp.call": self.call.ids,
            "ccp.call.event": self.call.event_ids[:1].ids,
            "ccp.callback": self.callback.ids,
            "ccp.call.flow": self.flow.ids,
            "ccp.call.list.item": self.item.ids,
            "ccp.callable.mixin": [1],
            "ccp.health": self.env["ccp.health"].search([], limit=1).ids,
            "crm.lead": self.lead.ids,
            "crm.team": self.team.ids,
            "digest.digest": self.env["digest.digest"].search([], limit=1).ids,
            "ir.attachment": self.call.recording_id.ids,
            "res.company": self.env.company.ids,
            "res.partner": self.partner.ids,
            "res.users": self.rep.ids,
        }.get(model)
        if ids is None:
            # A form that an administrator has opened
            ids = [1]
        of_model = {
            "ccp.call.place": ["crm.lead", self.lead.id, "phone"],
            "ccp.call.list.item.action_add": ["res.partner", self.partner.ids],
            "ccp.call.list.item.add_records": ["res.partner", self.partner.ids],
            "ccp.call.list.item.create": [
                {"res_model": "res.partner", "res_id": self.partner.id, "user_id": self.rep.id}
            ],
            "ccp.call.flow.create": [{"name": "x", "code": "x", "caller_number": "8000000001"}],
            "ccp.call.flow.menu.create": [{"flow_id": self.flow.id, "digit": "1"}],
            "ccp.call.outcome.create": [{"name": "x"}],
            "ccp.call.entry.default_get": [["call_id", "note"]],
            "ccp.dashboard.figures": [],
            "ccp.dashboard.live": [],
            "ccp.panel.choose_record": [self.call.id, "res.partner", self.partner.id],
            "ccp.panel.close": [self.call.id],
            "ccp.panel.dismiss": [self.call.id],
            "ccp.panel.find": ["7000"],
            "ccp.panel.find_records": [self.call.id, "priya"],
            "ccp.panel.follow_up": [self.call.id, "tomorrow"],
            "ccp.panel.follow_up_times": [self.call.id],
            "ccp.panel.new_contact": [self.call.id],
            "ccp.panel.new_lead": [self.call.id],
            "ccp.panel.open_call": [self.call.id],
            "ccp.panel.save_note": [self.call.id, "note", ""],
            "ccp.panel.save_outcome": [self.call.id, 1],
            "ccp.panel.set_away": [30],
            "ccp.panel.state": [],
            "ccp.panel.take_back_follow_up": [self.call.id],
            "ccp.route.try.action_open": [],
            "ccp.setup.action_open": [],
            "digest.digest.action_ccp_weekly_mail": [],
            "res.company.create": [{"name": "x"}],
            "res.config.settings.action_ccp_check_health": [[]],
            "res.config.settings.action_ccp_renew_token": [[]],
            "res.users.ccp_set_away": [5],
            "res.users.create": [{"name": "x", "login": "x"}],
        }
        more = {
            "ccp.call.link_record": ["res.partner", self.partner.id],
            "ccp.call.flow.write": [{"code": "x"}],
            "ccp.call.flow.menu.write": [{"digit": "2"}],
            "ccp.call.outcome.write": [{"name": "y"}],
            "ccp.call.list.item.write": [{"state": "skipped"}],
            "res.company.write": [{"ccp_username": "x"}],
            "res.users.write": [{"ccp_phone": "7000000902"}],
        }
        return of_model.get(name, [ids, *more.get(name, [])])

    def ask(self, name):
        """Call a method as a browser does; return the name of the error, or nothing."""
        model, method = split(name)
        params = {"model": model, "method": method, "args": self.arguments(name), "kwargs": {}}
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps({"params": params}),
            headers={"Content-Type": "application/json"},
        ).json()
        return answer["error"]["data"]["name"].rpartition(".")[2] if "error" in answer else ""

    def test_others_are_refused(self):
        posts = len(self.sandbox.calls())
        answers = {}
        for role in ROLES:
            self.authenticate(f"role_{role}", f"role_{role}")
            for name, allowed in METHODS.items():
                if role not in allowed:
                    answers[role, name] = self.ask(name)
        wrong = {asked: answer for asked, answer in answers.items() if answer != "AccessError"}
        self.maxDiff = None
        self.assertEqual(wrong, {})
        self.assertEqual(len(self.sandbox.calls()), posts)

    def test_nobody_gets_in_without_a_session(self):
        self.authenticate(None, None)
        for name in METHODS:
            with self.subTest(method=name):
                self.assertEqual(self.ask(name), "SessionExpiredException")
