import json

from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import CcpCase
from .test_recording import wav

CALLS = "base.group_user,sales_team.group_sale_salesman_all_leads,airtel_ccp."
LISTEN = ",airtel_ccp.group_ccp_listen"
DOWNLOAD = ",airtel_ccp.group_ccp_download"
# login: status of a listen, status of a download
RECORDING = {
    "rep": (200, 200),
    "other_rep": (404, 404),
    "leader": (200, 403),
    "other_leader": (404, 404),
    "ccp_manager": (200, 200),
    "deaf_manager": (403, 403),
    "foreign_manager": (404, 404),
    "plain": (404, 404),
    "ear_only": (404, 404),
    "portal_user": (404, 404),
    None: (303, 303),
}


@tagged("post_install", "-at_install")
class TestRightsMatrix(CcpCase, HttpCase):
    """Every role on a recording's route, and on what changes who sees a call."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        leader = new_test_user(env, "leader", f"{CALLS}group_ccp_team_leader{LISTEN}")
        other_leader = new_test_user(env, "other_leader", f"{CALLS}group_ccp_team_leader{DOWNLOAD}")
        new_test_user(env, "deaf_manager", f"{CALLS}group_ccp_manager")
        new_test_user(env, "ear_only", f"base.group_user{DOWNLOAD}")
        cls.north, cls.south = env["crm.team"].create(
            [
                {"name": "North", "user_id": leader.id, "member_ids": [Command.set(cls.rep.ids)]},
                {"name": "South", "user_id": other_leader.id},
            ]
        )
        company = env["res.company"].create({"name": "Other"})
        new_test_user(
            env,
            "foreign_manager",
            f"{CALLS}group_ccp_manager{DOWNLOAD}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def setUp(self):
        super().setUp()
        self.call = self.make_call(team_id=self.north.id, live=False)
        self.report(
            self.call, *self.connected(), self.cdr(Recording="https://x.airtel.in/r?token=1")
        )
        self.call._store_recording(wav(), "audio/wav")
        self.path = f"/airtel_ccp/recording/{self.call.id}"
        self.listen = self.env["ccp.call.listen"].create(
            {"call_id": self.call.id, "user_id": self.rep.id, "kind": "listen"}
        )
        self.env.flush_all()

    def rpc(self, model, method, *args):
        """Call a method as a browser does; return its result, or the name of the error."""
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps(
                {"params": {"model": model, "method": method, "args": args, "kwargs": {}}}
            ),
            headers={"Content-Type": "application/json"},
        ).json()
        if "error" in answer:
            return answer["error"]["data"]["name"].rsplit(".", 1)[-1]
        return answer["result"]

    def may_read(self, record):
        """Return whether whoever is logged in reads a record."""
        found = self.rpc(record._name, "search_read", [["id", "in", record.ids]], ["id"])
        return isinstance(found, list) and bool(found)

    def test_technical_fields_cannot_be_written(self):
        for login in ("rep", "leader", "ccp_manager"):
            self.authenticate(login, login)
            for field in (
                "result",
                "state",
                "note",
                "outcome_id",
                "talk_seconds",
                "customer_number",
            ):
                with self.subTest(user=login, field=field):
                    answer = self.rpc("ccp.call", "write", self.call.ids, {field: False})
                    self.assertEqual(answer, "AccessError")

    def test_recording(self):
        for login, statuses in RECORDING.items():
            self.authenticate(login, login)
            for path, status in zip((self.path, f"{self.path}?download=1"), statuses, strict=True):
                with self.subTest(user=login, path=path.rpartition("/")[2]):
                    answer = self.url_open(path, allow_redirects=False)
                    self.assertEqual(answer.status_code, status)
                    self.assertEqual(answer.content == wav(), status == 200)
                    attachment = answer.headers.get("Content-Disposition", "")
                    self.assertEqual("attachment" in attachment, "?" in path and status == 200)

    def test_no_way_round_the_recordings_route(self):
        file_id = self.call.recording_id.id
        for login in ("rep", "leader", "deaf_manager", "ccp_manager", "admin", "portal_user"):
            self.authenticate(login, login)
            for path in (
                f"/web/content/{file_id}",
                f"/web/content/ccp.call/{self.call.id}/recording_file",
                f"/web/content/ccp.call/{self.call.id}/recording_id",
                f"/web/content/ir.attachment/{file_id}/raw",
                f"/web/content/ir.attachment/{file_id}/datas",
            ):
                with self.subTest(user=login, path=path):
                    self.assertNotIn(b"RIFF", self.url_open(path).content)
            for method, args in (
                ("read", [[file_id], ["raw", "datas"]]),
                ("search_read", [[["id", "=", file_id]], ["datas"]]),
                ("search_read", [[["res_model", "=", "ccp.call"]], ["datas"]]),
                ("copy", [[file_id]]),
                ("write", [[file_id], {"public": True}]),
                ("generate_access_token", [[file_id]]),
            ):
                with self.subTest(user=login, method=method):
                    self.assertIn(self.rpc("ir.attachment", method, *args), ("AccessError", []))
            with self.subTest(user=login, method="read of the call"):
                answer = self.rpc("ccp.call", "read", [self.call.id], ["recording_file"])
                self.assertEqual(answer, "AccessError")

    def listens(self, user):
        """Return what a user's listens of the call are, as kinds in order."""
        self.env.invalidate_all()
        listens = self.call.listen_ids.filtered(lambda each: each.user_id == user)
        return (listens - self.listen).sorted("id").mapped("kind")

    def test_log(self):
        self.authenticate("ccp_manager", "ccp_manager")
        self.url_open(self.path, headers={"Range": "bytes=0-"})
        for start in (10, 20, 4000):
            self.url_open(self.path, headers={"Range": f"bytes={start}-"})
        self.url_open(self.path, headers={"Range": "bytes=999999999-"})
        self.opener.head(self.base_url() + self.path)
        self.assertEqual(self.listens(self.manager), ["listen"], "parts of one listen")
        self.url_open(f"{self.path}?download=1")
        self.assertEqual(self.listens(self.manager), ["listen", "download"])
        self.env.cr.execute(
            "UPDATE ccp_call_listen SET date = date - interval '1 minute' WHERE call_id = %s",
            [self.call.id],
        )
        self.url_open(self.path)
        self.assertEqual(self.listens(self.manager), ["listen", "download", "listen"])

    def test_log_of_a_part_alone(self):
        self.authenticate("rep", "rep")
        self.env.cr.execute("DELETE FROM ccp_call_listen WHERE call_id = %s", [self.call.id])
        self.opener.head(self.base_url() + self.path)
        self.assertFalse(self.listens(self.rep))
        self.url_open(self.path, headers={"Range": "bytes=44-"})
        self.assertEqual(self.listens(self.rep), ["listen"], "who skips the beginning is logged")

    def test_refused_listens_are_not_logged(self):
        for login in ("deaf_manager", "other_rep", "portal_user"):
            self.authenticate(login, login)
            self.url_open(self.path)
        self.env.invalidate_all()
        self.assertEqual(self.call.listen_ids, self.listen)

    def test_the_leader_changes(self):
        self.north.user_id = self.south.user_id
        self.env.flush_all()
        for login, sees in (("leader", False), ("other_leader", True)):
            self.authenticate(login, login)
            with self.subTest(user=login):
                self.assertEqual(self.may_read(self.call), sees)

    def test_a_rep_changes_teams(self):
        self.north.member_ids = False
        self.south.member_ids = self.rep
        self.env.flush_all()
        for login, sees in (("leader", True), ("other_leader", False), ("rep", True)):
            self.authenticate(login, login)
            with self.subTest(user=login):
                self.assertEqual(self.may_read(self.call), sees)

    def test_an_archived_agents_calls_stay(self):
        self.rep.active = False
        self.env.flush_all()
        self.authenticate("ccp_manager", "ccp_manager")
        self.assertTrue(self.may_read(self.call))
        self.assertEqual(self.url_open(self.path).status_code, 200)

    def test_states_in_words(self):
        self.authenticate("rep", "rep")
        for state, status, word in (
            ("none", 404, "not recorded"),
            ("missing", 404, "did not deliver"),
            ("deleted", 410, "deleted"),
            ("erased", 410, "erased"),
        ):
            self.call.recording_state = state
            self.env.flush_all()
            with self.subTest(state=state):
                answer = self.url_open(self.path)
                self.assertEqual(answer.status_code, status)
                self.assertIn(word, answer.text)

    def test_link_to_another_record(self):
        other = self.env["crm.lead"].create({"name": "Spring", "partner_id": self.partner.id})
        hidden = self.env["ir.cron"].search([], limit=1)
        self.env.flush_all()
        self.authenticate("rep", "rep")
        self.assertIs(self.rpc("ccp.call", "link_record", self.call.id, "crm.lead", other.id), True)
        self.env.invalidate_all()
        self.assertEqual((self.call.res_id, self.call.lead_id), (other.id, other))
        for arguments in (
            ("ir.cron", hidden.id),
            ("crm.lead", 999999999),
            ("crm.lead", "1"),
            ("no.model", 1),
            (None, 1),
        ):
            with self.subTest(arguments=arguments):
                answer = self.rpc("ccp.call", "link_record", self.call.id, *arguments)
                self.assertEqual(answer, "UserError")
        for login in ("other_rep", "plain", "portal_user"):
            self.authenticate(login, login)
            with self.subTest(user=login):
                answer = self.rpc("ccp.call", "link_record", self.call.id, "crm.lead", other.id)
                self.assertEqual(answer, "AccessError")
