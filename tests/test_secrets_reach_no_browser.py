import json

from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import LONG, CcpCase
from .test_recording import wav

SALES = "base.group_user,sales_team.group_sale_salesman_all_leads,base.group_allow_export,"
OWN_COMPANY = {
    "portal": "base.group_portal",
    "employee": SALES.rstrip(","),
    "owner": f"{SALES}airtel_ccp.group_ccp_user,airtel_ccp.group_ccp_download",
    "other": f"{SALES}airtel_ccp.group_ccp_user,airtel_ccp.group_ccp_download",
    "leader": f"{SALES}airtel_ccp.group_ccp_team_leader,airtel_ccp.group_ccp_download",
    "manager": f"{SALES}airtel_ccp.group_ccp_manager,airtel_ccp.group_ccp_download",
    "administrator": "base.group_user,base.group_system",
}
FOREIGN_MANAGER = "foreign"
# Which secret lies where, and who may see it
SECRETS = {
    "hidden-value-of-password": set(),
    "hidden-value-of-old-token": set(),
    "hidden-value-of-token": set(),
    "hidden-value-of-header": set(),
    "hidden-value-of-address": set(),
    "hidden-value-of-snapshot": set(),
    "hidden-value-of-notify": {"administrator"},
    "hidden-value-of-user-name": {"administrator"},
    # An administrator who sees no call sees no report of one either
    "hidden-value-of-payload": set(),
    "hidden-value-of-request": {"administrator"},
    "hidden-value-of-note": {"owner", "leader", "manager"},
    "hidden-value-of-entry": {"owner"},
    "hidden-value-of-elsewhere": {FOREIGN_MANAGER},
}
# Asked of a model, not of records
ON_MODELS = (
    "default_get",
    "fields_get",
    "formatted_read_group",
    "name_search",
    "search_read",
    "web_search_read",
)
MODELS = (
    "ccp.call",
    "ccp.call.daily",
    "ccp.call.event",
    "ccp.call.flow",
    "ccp.call.list.item",
    "ccp.call.listen",
    "ccp.call.outcome",
    "ccp.erasure.log",
    "ccp.health",
    "ccp.request.log",
    "ccp.setting.change",
    "res.company",
)
# Too many fields to try each one: those that are ours
PREFIXES = {"res.company": "ccp_"}


@tagged("post_install", "-at_install")
class TestSecretsReachNoBrowser(CcpCase, HttpCase):
    """Every role asks every model in every way, and gets no secret but its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        cls.people = {
            role: new_test_user(env, f"sees_{role}", groups, name=f"The {role}")
            for role, groups in OWN_COMPANY.items()
        }
        cls.elsewhere = env["res.company"].create({"name": "Elsewhere"})
        cls.people[FOREIGN_MANAGER] = new_test_user(
            env,
            f"sees_{FOREIGN_MANAGER}",
            f"{SALES}airtel_ccp.group_ccp_manager,airtel_ccp.group_ccp_download",
            company_id=cls.elsewhere.id,
            company_ids=[Command.set(cls.elsewhere.ids)],
        )
        team = env["crm.team"].create({"name": "North", "user_id": cls.people["leader"].id})
        cls.team_id = team.id

    def setUp(self):
        super().setUp()
        # Users of both companies read its chatter
        self.lead.company_id = False
        owner = self.people["owner"]
        self.call = self.make_call(
            live=False,
            user_id=owner.id,
            team_id=self.team_id,
            note="hidden-value-of-note",
            dialled={
                **self.env["ccp.call"]._snapshot(self.flow, (), ()),
                "agent_name": "hidden-value-of-snapshot",
            },
        )
        self.report(self.call, {**self.event("Ringing", "A"), "text": "hidden-value-of-payload"})
        self.call.token_digest = "hidden-value-of-token"
        self.call.header_digest = "hidden-value-of-header"
        self.call.recording_url = "https://x.airtel.in/hidden-value-of-address"
        self.foreign = self.make_call(
            live=False,
            user_id=self.people[FOREIGN_MANAGER].id,
            company_id=self.elsewhere.id,
            flow_id=False,
            note="hidden-value-of-elsewhere",
        )
        self.env["ccp.request.log"]._open(self.call, {"callFlowId": "hidden-value-of-request"})
        self.env["ccp.call.list.item"].create(
            {
                "user_id": owner.id,
                "res_model": "res.partner",
                "res_id": self.partner.id,
                "customer_name": "hidden-value-of-entry",
            }
        )
        self.env["ccp.call.listen"].create(
            {"call_id": self.call.id, "user_id": owner.id, "kind": "listen"}
        )
        self.env["ccp.health"]._check(self.env.company, ["phones"])
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE res_company SET ccp_secret_password = 'hidden-value-of-password',"
                " ccp_webhook_token = 'hidden-value-of-notify',"
                " ccp_username = 'hidden-value-of-user-name',"
                " ccp_old_tokens = %s WHERE id = %s",
                json.dumps({"hidden-value-of-old-token": "2999-01-01 00:00:00"}),
                self.env.company.id,
            )
        )
        self.env.invalidate_all()

    def rpc(self, model, method, *args, **kwargs):
        """Call a method as a browser does, and return the whole answer as text."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps({"params": params}),
            headers={"Content-Type": "application/json"},
        ).text

    def names(self, model):
        prefix = PREFIXES.get(model, "")
        return [
            name
            for name, field in self.env[model]._fields.items()
            if name.startswith(prefix) and field.type != "properties"
        ]

    def ask(self, records, method, *args, **kwargs):
        """Call a method through the gate that requests pass; return all that comes back."""
        savepoint = self.env.cr.savepoint()
        try:
            ids = [] if method in ON_MODELS else [records.ids]
            answer = call_kw(records.browse(), method, [*ids, *args], kwargs)
        except Exception as error:  # noqa: BLE001 - an error must tell no secret either
            answer = error
        savepoint.close(rollback=True)
        records.env.invalidate_all()
        return repr(answer)

    def ask_everything(self, records, turn):
        """Yield what a model answers to each way of asking for its data.

        :param int turn: a number of the role's own: the short form asks for each field in the first
            way and one other, which differs from role to role
        :return: the way, and the answer's text
        """
        names = self.names(records._name)
        seen = records.sudo(False).fields_get() if records.has_access("read") else {}
        visible = [name for name in names if name in seen]
        for method, *args in (
            ("fields_get",),
            ("default_get", names),
            ("copy",),
            ("copy_data",),
            ("name_search", "hidden-value"),
            ("export_data", names),
            ("export_data", visible),
            ("read", visible),
            ("search_read", [], visible),
        ):
            yield method, self.ask(records, method, *args)
        for position, name in enumerate(names):
            specification = {name: {"fields": {"payload": {}, "note": {}, "body": {}}}}
            ways = (
                ("read", [name]),
                ("search_read", [], [name]),
                ("export_data", [name]),
                ("formatted_read_group", [], [name], ["__count"]),
                ("formatted_read_group", [], [], [f"{name}:max"]),
                ("web_search_read", [], specification),
                ("onchange", {}, [name], {name: {}}),
                ("search_read", [], ["id"], 0, None, name),
            )
            chosen = ways if LONG else (ways[0], ways[1 + (turn + position) % (len(ways) - 1)])
            for method, *args in chosen:
                yield f"{method} {name}", self.ask(records, method, *args)

    # PostgreSQL refuses some of what a browser can ask for
    @mute_logger("odoo.sql_db")
    def test_every_model(self):
        seen_by = {secret: set() for secret in SECRETS}
        for turn, (role, user) in enumerate(self.people.items()):
            for model in MODELS:
                ids = self.env[model].sudo().search([]).ids
                records = self.env[model].with_user(user).browse(ids)
                for way, text in self.ask_everything(records, turn):
                    for secret, entitled in SECRETS.items():
                        if secret in text:
                            seen_by[secret].add(role)
                            self.assertIn(role, entitled, f"{secret} in {model}, {way}")
        self.assertEqual(seen_by, SECRETS, "somebody does not see what is theirs")

    def test_searching_tells_nothing(self):
        """A domain on an unreadable field is refused: its result would reveal the value."""
        hidden = {
            "ccp.call": ("token_digest", "header_digest", "recording_url", "dialled", "fold_error"),
            "ccp.call.event": ("payload", "fingerprint"),
            "ccp.request.log": ("body",),
            "res.company": ("ccp_webhook_token", "ccp_username", "ccp_secret_password"),
        }
        for role in ("portal", "employee", "other", "owner", "leader", "manager"):
            self.authenticate(f"sees_{role}", f"sees_{role}")
            for model, names in hidden.items():
                for name in names:
                    for domain in (
                        [[name, "=like", "hidden-value%"]],
                        [[name, "!=", False]],
                        ["|", [name, "ilike", "c"], ["id", "=", 0]],
                    ):
                        with self.subTest(role=role, model=model, domain=domain):
                            self.assertIn('"error"', self.rpc(model, "search_count", domain))
        for path in ("call_id.note", "call_id.token_digest"):
            self.authenticate("sees_other", "sees_other")
            answer = self.rpc("ccp.call.event", "search", [[path, "like", "hidden-value"]])
            self.assertTrue('"error"' in answer or '"result": []' in answer, answer)

    def test_files_and_messages(self):
        """Nobody finds the recording's attachment, and no message contains a secret."""
        self.call._store_recording(wav(), "audio/wav")
        self.env.flush_all()
        attachment = self.call.recording_id.id
        for role, user in self.people.items():
            self.authenticate(user.login, user.login)
            with self.subTest(role=role):
                found = self.rpc("ir.attachment", "search", [["res_model", "=", "ccp.call"]])
                self.assertTrue('"error"' in found or '"result": []' in found, found)
                for name in ("raw", "datas", "checksum", "index_content"):
                    answer = self.rpc("ir.attachment", "read", [attachment], [name])
                    self.assertIn('"error"', answer)
                for path in (
                    f"/web/content/{attachment}",
                    f"/web/image/{attachment}",
                    f"/web/content/ccp.call/{self.call.id}/recording_file",
                    f"/web/content?model=ccp.call&id={self.call.id}&field=recording_file",
                ):
                    answer = self.url_open(path)
                    self.assertNotIn(b"RIFF", answer.content[:100])
                text = self.rpc("mail.message", "search_read", [], ["body", "subject"])
                # Nor a note: users of another company read it, too
                self.assertEqual([each for each in SECRETS if each in text], [])

    def test_tricks_on_the_recordings_path(self):
        self.call._store_recording(wav(), "audio/wav")
        self.foreign._store_recording(wav(), "audio/wav")
        self.env.flush_all()
        tricks = (
            "0",
            "-1",
            "999999999",
            "99999999999999999999999999",
            f"{self.call.id}.0",
            f"{self.call.id}'",
            f"{self.foreign.id}/../{self.call.id}x",
            f"%2e%2e/{self.call.id}x",
            f"{self.call.id},{self.foreign.id}",
            f"{self.foreign.id}",
            f"{self.foreign.id}?download=1",
            f"0{self.foreign.id}",
            "٣",
            "1e1",
            "null",
            "",
        )
        self.authenticate("sees_manager", "sees_manager")
        for trick in tricks:
            with self.subTest(path=trick):
                answer = self.url_open(f"/airtel_ccp/recording/{trick}", allow_redirects=False)
                self.assertIn(answer.status_code, (301, 308, 400, 404), answer.text[:200])
                self.assertNotIn(b"RIFF", answer.content[:100])
        own = self.url_open(f"/airtel_ccp/recording/{self.call.id}")
        self.assertEqual(own.content, wav())
