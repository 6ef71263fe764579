import contextlib
import logging
import uuid
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user

from .common import AGENT, CONNECTS, CcpCase, accepted_call
from .rights_table import ROLES

ADDON = "odoo.addons.airtel_ccp."
FOREIGN_NUMBER = "7000000102"


class Undo(Exception):
    """Ends a savepoint, so that nothing stays of what was tried."""


class RightsCase(CcpCase):
    """One call of the rep's with all that belongs to it, and the same of another company.

    A person of each role asks as a browser does, through the gate that requests pass; whatever is
    tried is undone.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        # An employee is on one side of the fence between the companies, so records belong to one
        cls.second = env["res.company"].create({"name": "CANARY second company"})
        cls.people = {"rep": cls.rep}
        for role, (groups, is_foreign) in ROLES.items():
            company = cls.second if is_foreign else env.company
            values = {"company_id": company.id, "company_ids": [Command.set(company.ids)]}
            if role == "rep":
                cls.rep.write(
                    {
                        **values,
                        "group_ids": [
                            Command.set([env.ref(each).id for each in groups.split(",")])
                        ],
                    }
                )
                continue
            name = f"{'CANARY ' * is_foreign}{role}"
            cls.people[role] = new_test_user(env, f"role_{role}", groups, name=name, **values)
        cls.north, cls.south = env["crm.team"].create(
            [
                {
                    "name": "North",
                    "user_id": cls.people["leader"].id,
                    "member_ids": [Command.set(cls.rep.ids)],
                    "company_id": env.company.id,
                },
                {
                    "name": "South",
                    "user_id": cls.people["other_leader"].id,
                    "company_id": env.company.id,
                },
            ]
        )
        cls.lead.write({"team_id": cls.north.id, "company_id": env.company.id})
        cls.outcome = env["ccp.call.outcome"].create(
            {"name": "Sold", "company_id": env.company.id, "activity_days": 2}
        )

    @classmethod
    def make_own(cls):
        """Make the rep's call and all that belongs to it; return one record of each model."""
        env, rep = cls.env, cls.rep
        call = accepted_call(
            env,
            cls.lead,
            cls.partner,
            rep,
            cls.flow,
            live=False,
            state="ended",
            result="connected",
            team_id=cls.north.id,
            lead_id=cls.lead.id,
        )
        note = {"call_id": call.id, "user_id": rep.id}
        report = env["ccp.call.event"].create(
            {
                "call_id": call.id,
                "kind": "unreadable",
                "payload": "text",
                "fingerprint": "x",
                "received_at": fields.Datetime.now(),
                "folded": True,
            }
        )
        env["ccp.health"]._check(env.company, ["phones"])
        return {
            "ccp.callback": cls.make_callback(env.company, rep, cls.north, cls.partner),
            "ccp.call": call,
            "ccp.call.event": report,
            "ccp.call.change": env["ccp.call.change"].create({**note, "kind": "note"}),
            "ccp.call.daily": env["ccp.call.daily"].browse(call.id),
            "ccp.call.listen": env["ccp.call.listen"].create({**note, "kind": "listen"}),
            "ccp.call.flow": cls.flow,
            "ccp.call.flow.menu": env["ccp.call.flow.menu"].create(
                {"flow_id": cls.flow.id, "digit": "1", "team_id": cls.north.id}
            ),
            "ccp.call.outcome": cls.outcome,
            "ccp.call.list.item": env["ccp.call.list.item"].create(
                {"user_id": rep.id, "res_model": "res.partner", "res_id": cls.partner.id}
            ),
            "ccp.erasure.log": env["ccp.erasure.log"].create(
                {"user_id": rep.id, "company_id": env.company.id, "partner_reference": 1}
            ),
            "ccp.health": env["ccp.health"].search([("company_id", "=", env.company.id)], limit=1),
            "ccp.request.log": env["ccp.request.log"]._open(call, {"callFlowId": "x"}),
            "ccp.setting.change": cls.change_setting(env.company),
            "crm.lead": cls.lead,
            "crm.team": cls.north,
            "digest.digest": env["digest.digest"].search([], limit=1),
            "res.company": env.company,
            "res.partner": cls.partner,
            "res.users": rep,
        }

    @classmethod
    def change_setting(cls, company):
        """Change a setting, and return what is kept of that."""
        company.ccp_channels += 1
        return company.env["ccp.setting.change"].search(
            [("company_id", "=", company.id), ("field", "=", "ccp_channels")], limit=1
        )

    @classmethod
    def make_callback(cls, company, user, team, partner):
        """Make an open call-back of an agent's."""
        now = fields.Datetime.now()
        return company.env["ccp.callback"].create(
            {
                "company_id": company.id,
                "user_id": user.id,
                "team_id": team.id,
                "partner_id": partner.id,
                "customer_name": f"{'CANARY ' * ('CANARY' in partner.name)}call-back",
                "customer_number": partner.phone[-10:],
                **dict.fromkeys(("first_missed", "last_missed", "opened_date", "due_date"), now),
            }
        )

    @classmethod
    def make_foreign(cls):
        """Make what the second company has, each with a name of its own; by model."""
        env = cls.env(context={"allowed_company_ids": cls.second.ids, "tracking_disable": True})
        company, agent = cls.second.with_env(env), cls.people["foreign_rep"].with_env(env)
        of_company = {"company_id": company.id}
        team = env["crm.team"].create({"name": "CANARY team", **of_company})
        partner = env["res.partner"].create(
            {"name": "CANARY contact", "phone": f"+91 {FOREIGN_NUMBER}", **of_company}
        )
        lead = env["crm.lead"].create(
            {
                "name": "CANARY lead",
                "type": "opportunity",
                "partner_id": partner.id,
                "phone": f"+91 {FOREIGN_NUMBER}",
                "user_id": agent.id,
                "team_id": team.id,
                **of_company,
            }
        )
        flow = env["ccp.call.flow"].create(
            {"name": "CANARY flow", "code": "CANARY-CODE", "caller_number": "8000000002"}
            | of_company
        )
        outcome = env["ccp.call.outcome"].create({"name": "CANARY outcome", **of_company})
        call = accepted_call(
            env,
            lead,
            partner,
            agent,
            flow,
            customer_name="CANARY customer",
            customer_number=FOREIGN_NUMBER,
            note="CANARY note",
            outcome_id=outcome.id,
            live=False,
            state="ended",
            result="connected",
            lead_id=lead.id,
            team_id=team.id,
            correlation_id="CANARY-correlation",
        )
        activity = lead.activity_schedule(
            "mail.mail_activity_data_call", summary="CANARY activity", user_id=agent.id
        )
        report = env["ccp.call.event"].create(
            {
                "call_id": call.id,
                "kind": "unreadable",
                "payload": "CANARY payload",
                "fingerprint": "CANARY",
                "received_at": fields.Datetime.now(),
                "folded": True,
            }
        )
        item = env["ccp.call.list.item"].create(
            {
                "user_id": agent.id,
                "res_model": "crm.lead",
                "res_id": lead.id,
                "customer_name": "CANARY entry",
            }
        )
        attachment = env["ir.attachment"].create(
            {
                "name": "CANARY file",
                "raw": b"CANARY",
                "res_model": "crm.lead",
                "res_id": lead.id,
                **of_company,
            }
        )
        message = lead.message_post(body="CANARY message")
        imports = env["ccp.history.import"].create({"text": "CANARY text", **of_company})
        phones = env["ccp.phone.import"].create({"text": "CANARY text", **of_company})
        records = (team, partner, lead, flow, outcome, call, activity, report, item, attachment)
        records += (message, imports, phones, company, agent)
        records += (cls.make_callback(company, agent, team, partner),)
        records += (
            env["ccp.call.change"].create(
                {"call_id": call.id, "user_id": agent.id, "kind": "record", "before": "CANARY"}
            ),
            env["ccp.call.listen"].create(
                {"call_id": call.id, "user_id": agent.id, "kind": "listen"}
            ),
            env["ccp.request.log"]._open(call, {"callFlowId": "CANARY"}),
            cls.change_setting(company),
            env["ccp.history.import.line"].create({"import_id": imports.id, "note": "CANARY"}),
            env["ccp.phone.import.line"].create(
                {"import_id": phones.id, "state": "saved", "who": "CANARY"}
            ),
            env["resource.calendar"].create({"name": "CANARY hours", **of_company}),
            env["ccp.call.flow.menu"].create(
                {"flow_id": flow.id, "digit": "1", "team_id": team.id}
            ),
        )
        env["ccp.health"]._check(company, ["phones"])
        records += (env["ccp.health"].search([("company_id", "=", company.id)], limit=1),)
        return {record._name: record.with_env(cls.env) for record in records}

    def values_of(self, model):
        """Return with which values a person creates a record of a model that people create.

        A transient model without values here is one that no test opens: add it.
        """
        company = self.env.company.id
        minute = fields.Datetime.now() - timedelta(minutes=1)
        values = {
            "ccp.call.flow": {
                "name": "New",
                "code": uuid.uuid4().hex,
                "caller_number": "8000000003",
                "company_id": company,
            },
            "ccp.call.flow.menu": {
                "flow_id": self.own["ccp.call.flow"].id,
                "digit": "2",
                "team_id": self.own["crm.team"].id,
            },
            "ccp.call.list.item": {"res_model": "crm.lead", "res_id": self.lead.id},
            "ccp.call.outcome": {"name": "New", "company_id": company},
            "ccp.call.entry": {"call_id": self.own["ccp.call"].id},
            "ccp.callback.entry": {"callback_id": self.own["ccp.callback"].id},
            "ccp.call.link": {"call_id": self.own["ccp.call"].id},
            "ccp.manual.call": {
                "res_model": "crm.lead",
                "res_id": self.lead.id,
                "phone": CONNECTS,
                "start_date": minute,
            },
            "ccp.erasure": {"partner_id": self.partner.id},
            "ccp.fold.again": {"company_id": company},
            "ccp.history.import": {"company_id": company, "text": "a;b"},
            "ccp.phone.import": {"company_id": company, "text": f"rep; {AGENT}"},
            "ccp.postman.import": {"company_id": company},
            "ccp.route.try": {"company_id": company},
            "ccp.setup": {"company_id": company},
            "res.config.settings": {},
        }
        # Lines of the first reader's own dialog
        for line, dialog in (
            ("ccp.history.import.line", "ccp.history.import"),
            ("ccp.phone.import.line", "ccp.phone.import"),
        ):
            if model == line:
                values[line] = {"import_id": self.own[dialog].id, "note": "x"}
                if line == "ccp.phone.import.line":
                    values[line]["state"] = "saved"
        return values.get(model)

    def setUp(self):
        super().setUp()
        # Thousands of refusals: Odoo would log each, and the search in the logs would read each
        logging.disable(logging.INFO)
        self.addCleanup(logging.disable, logging.NOTSET)

    # Asking

    def seen_by(self, role, records):
        """Return records as a person of a role sees them."""
        return records.with_env(self.env).with_user(self.people[role]).sudo(False)

    def ask(self, records, method, *args, **kwargs):
        """Call a method through the gate of requests; return its answer, or the refusal.

        :return: what the method returned, or the error that it raised
        """
        answer = None
        now = fields.Datetime.now()
        # A digest computes the figures of a period
        kwargs["context"] = {"start_datetime": now - timedelta(days=1), "end_datetime": now}
        on_model = getattr(type(records), method, None)
        on_model = on_model is not None and getattr(on_model, "_api_model", False)
        records.env.flush_all()
        try:
            with contextlib.suppress(Undo), self.env.cr.savepoint():
                ids = [] if on_model or method in ("create", "search_read") else [records.ids]
                answer = call_kw(records.browse(), method, [*ids, *args], kwargs)
                records.env.flush_all()
                raise Undo
        except Exception as error:  # noqa: BLE001 - whatever is raised is looked at
            answer = error
        self.env.invalidate_all(flush=False)
        return answer

    def is_refused(self, answer):
        """Return whether somebody was refused, or got nothing; fail for any other error."""
        if isinstance(answer, AccessError):
            return True
        if isinstance(answer, Exception):
            raise AssertionError(f"{type(answer).__name__}: {answer}") from answer
        return not answer
