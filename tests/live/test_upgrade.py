"""Databases of past versions, in which people worked, become ones of the present version."""

import contextlib
from datetime import datetime, timedelta, timezone

import pytest

from odoo.fields import Command
from odoo.tests.common import get_db_name
from odoo.tools.safe_eval import safe_eval

from ...devtools.lab.session import RpcError
from ...sandbox.server import Sandbox
from ..common import AGENT, LONG, OTHER_AGENT
from . import test_uninstall
from .catalogues import catalogues, differences
from .old_server import COMMITS, ROOT, OldServer
from .server import wait_for

CRONS = (
    "ir_cron_fold_reports",
    "ir_cron_notify",
    "ir_cron_fetch_recordings",
    "ir_cron_measure_calls",
    "ir_cron_merge_sums",
    "ir_cron_consume_activities",
    "ir_cron_end_silent_calls",
    "ir_cron_check_health",
)
PASSWORD = "password of a test"
# What must be as people left it
KEPT = {
    "calls": "SELECT id, state, result, note, outcome_id, talk_seconds, manual FROM ccp_call"
    " WHERE NOT live ORDER BY id",
    "reports": "SELECT id, call_id, kind, fingerprint FROM ccp_call_event ORDER BY id",
    "phones": "SELECT login, ccp_phone FROM res_users ORDER BY id",
    # Not those that only new companies begin with
    "limits": "SELECT COALESCE(to_jsonb(c)->>'ccp_daily_limit', '0'),"
    " COALESCE(to_jsonb(c)->>'ccp_company_daily_limit', '0'),"
    " COALESCE(to_jsonb(c)->>'ccp_number_daily_limit', '0'),"
    " COALESCE(to_jsonb(c)->>'ccp_pause_seconds', '0') FROM res_company c ORDER BY id",
    # Its column had another name in the first version
    "password": "SELECT COALESCE(to_jsonb(c)->>'ccp_secret_password', to_jsonb(c)->>'ccp_password')"
    " FROM res_company c ORDER BY id",
    # Reports without a call have a period of their own since, and are kept for as long as before
    "period": "SELECT COALESCE(to_jsonb(c)->>'ccp_keep_unmatched_days',"
    " to_jsonb(c)->>'ccp_keep_reports_days', '0') FROM res_company c ORDER BY id",
    "call list": "SELECT id, state, customer_name FROM ccp_call_list_item ORDER BY id",
    "outcomes": "SELECT id, name FROM ccp_call_outcome ORDER BY id",
    "recordings": "SELECT res_id, checksum, company_id FROM ir_attachment"
    " WHERE res_model = 'ccp.call' ORDER BY res_id",
    "cards": "SELECT id, body FROM mail_message WHERE body LIKE '%o_airtel_ccp_card%' ORDER BY id",
    "own actions": "SELECT a.name, a.code, m.model FROM ir_act_server a"
    " JOIN ir_model m ON m.id = a.model_id WHERE a.name->>'en_US' = 'Count' ORDER BY a.id",
    # Two of those that help are switched off from the beginning
    "switched off": "SELECT cron_name FROM ir_cron WHERE NOT active AND cron_name ILIKE 'airtel%'"
    " AND cron_name NOT LIKE '%help to take new reports%' ORDER BY id",
}


class People:
    """Those who work with a version of the addon, over its own RPC."""

    def __init__(self, server, sandbox, slow):
        self.server, self.sandbox, self.slow = server, sandbox, slow
        self.admin = server.login("admin", "admin")
        self.set_up()
        self.log_in()

    def log_in(self):
        """Log everybody in, which a new version may ask for."""
        server = self.server
        self.admin = server.login("admin", "admin")
        self.rep = server.login("rep", PASSWORD)
        self.other = server.login("other_rep", PASSWORD)
        self.manager = server.login("ccp_manager", PASSWORD)

    def set_up(self):
        """Open the account, and make users, a contact and a lead."""
        admin, server = self.admin, self.server
        (india,) = admin.call("res.country", "search", [("code", "=", "IN")])
        (company,) = admin.call("res.company", "search", [], limit=1)
        flow = admin.call(
            "ccp.call.flow",
            "create",
            {
                "name": "Sandbox",
                "code": "SANDBOX-FLOW",
                "caller_number": "8000000001",
                "company_id": company,
            },
        )
        self.flow, self.company = flow, company
        admin.call(
            "res.company",
            "write",
            [company],
            {
                "country_id": india,
                "ccp_base_url": self.sandbox.url,
                "ccp_username": "demo",
                "ccp_password": "p@55w0rd",
                "ccp_customer_id": "SANDBOX-CUSTOMER",
                "ccp_flow_id": flow,
                "ccp_recording_hosts": f"*.airtel.in, {self.sandbox.url}, {self.slow.url}",
                "ccp_calendar_id": False,
                "ccp_notify_base_url": server.url,
            },
        )
        sales = self.xml_id("sales_team", "group_sale_salesman_all_leads")
        partners = self.xml_id("base", "group_partner_manager")
        for login, phone, role in (
            ("rep", AGENT, "group_ccp_user"),
            ("other_rep", OTHER_AGENT, "group_ccp_user"),
            ("ccp_manager", "7000000903", "group_ccp_manager"),
        ):
            groups = [sales, partners, server.ref(role), server.ref("group_ccp_download")]
            admin.call(
                "res.users",
                "create",
                {
                    "name": login.title(),
                    "login": login,
                    "password": PASSWORD,
                    "ccp_phone": phone,
                    "tz": "Asia/Kolkata",
                    "group_ids": [(4, group) for group in groups],
                },
                context={"no_reset_password": True},
            )
        self.partner = admin.call(
            "res.partner",
            "create",
            {"name": "Priya Sharma", "phone": "+91 7000000101", "country_id": india},
        )
        self.lead = admin.call(
            "crm.lead",
            "create",
            {"name": "Autumn", "type": "opportunity", "partner_id": self.partner},
        )

    def xml_id(self, module, name):
        return self.server.query(
            "SELECT res_id FROM ir_model_data WHERE module = %s AND name = %s", module, name
        )[0][0]

    def state(self, call_id):
        sql = "SELECT state, result, request_outcome FROM ccp_call WHERE id = %s"
        return self.server.query(sql, call_id)[0]

    def place(self, number, session=None):
        """Call the lead under a number, and return the call's id."""
        self.admin.call("crm.lead", "write", [self.lead], {"phone": number})
        session = session or self.rep
        # Some versions return Airtel's refusals as an error; the row exists in any case
        with contextlib.suppress(RpcError):
            session.call("crm.lead", "action_ccp_call", [self.lead], field_name="phone")
        return self.server.query("SELECT max(id) FROM ccp_call")[0][0]

    def finish(self, number, session=None):
        call_id = self.place(number, session)
        wait_for(lambda: self.state(call_id)[0] in ("ended", "refused"), f"the end of {number}")
        return call_id

    def run_actions(self, *names):
        """Have scheduled actions run now, as an administrator does."""
        for name in names:
            wait_for(lambda: self.has_run(self.server.ref(name)), name)  # noqa: B023

    def has_run(self, action_id):
        """Run a scheduled action, unless it is running already."""
        try:
            self.admin.call("ir.cron", "method_direct_trigger", [action_id])
        except RpcError as error:
            if "already executing" not in error.message:
                raise
            return False
        return True

    def figures(self):
        """Return the dashboard's figures, without names and domains."""
        return plain(self.manager.call("ccp.dashboard", "figures"))


def plain(figures):
    """Return the figures of a dashboard, without names and domains."""
    found = {}
    for tile in figures["tiles"]:
        for period in ("today", "month"):
            figure = tile[period]
            found[f"{tile['key']} {period}"] = (rounded(figure["value"]), figure["count"])
    for row in figures["reps"]:
        found[f"agent {row['id']}"] = [rounded(figure["value"]) for figure in row["figures"]]
    for row in figures["trend"]:
        found[row["day"]] = (row["attempts"]["value"], row["reached"]["value"])
    return found


def rounded(value):
    # Nothing to measure was False once
    return None if value is None or value is False else round(float(value), 6)


def import_past_calls(people):
    """Import two calls as Airtel's portal exports them."""
    moment = datetime.now(timezone(timedelta(hours=5, minutes=30))) - timedelta(days=3)
    head = (
        "Call_Type,Caller_ID,Caller_Number,Destination_Number,Overall_Call_Status,"
        "Conversation_Duration,Overall_Call_Duration,Pulse_Count,Date,Time"
    )
    rows = [
        f"OUTBOUND,8000000001,0{AGENT},917000000101,Answered,00:00:39,00:01:08,1,"
        f"{moment:%d/%m/%Y},{moment:%H:%M:%S}",
        f"OUTBOUND,8000000001,0{OTHER_AGENT},917000000101,Answered,00:00:20,00:00:48,1,"
        f"{moment - timedelta(days=1):%d/%m/%Y},{moment:%H:%M:%S}",
    ]
    dialog = people.manager.call("ccp.history.import", "create", {"text": "\n".join([head, *rows])})
    people.manager.call("ccp.history.import", "action_preview", [dialog])
    people.manager.call("ccp.history.import", "action_import", [dialog])


def work(people, version):
    """Do what people do with the addon, by its own doors; return what is compared later."""
    server, admin, rep = people.server, people.admin, people.rep
    if version >= "19.0.1.7.0":
        # New companies have limits since; these people call the same customer again at once
        limits = dict.fromkeys(("ccp_pause_seconds", "ccp_number_daily_limit"), 0)
        admin.call("res.company", "write", [people.company], limits)
    calls = {
        "connected": people.finish("7000000101"),
        "busy": people.finish("7000000103"),
        "no answer": people.finish("7000000104"),
        "refused": people.finish("7000000131"),
        "other agent": people.finish("7000000101", people.other),
    }
    calls["unknown"] = people.place("7000000130")
    rep.call("ccp.call", "action_close", [calls["unknown"]])
    wait_for(lambda: people.state(calls["unknown"])[0] == "ended", "the closed call's end")
    outcome = server.ref("ccp_call_outcome_interested")
    rep.call("ccp.panel", "save_outcome", calls["connected"], outcome)
    rep.call("ccp.panel", "save_note", calls["connected"], "Wants a quote", "")
    dialog = rep.call(
        "ccp.manual.call",
        "create",
        {"res_model": "crm.lead", "res_id": people.lead, "duration": 2.0}
        | ({"start_date": "2026-01-02 10:00:00"} if version < "19.0.1.5.0" else {}),
    )
    rep.call("ccp.manual.call", "action_log", [dialog])
    rep.call("ccp.call.list.item", "action_add", "res.partner", [people.partner])
    if version >= "19.0.1.5.0":
        import_past_calls(people)
    people.run_actions("ir_cron_fetch_recordings", "ir_cron_measure_calls")
    wait_for(
        lambda: server.query(
            "SELECT 1 FROM ccp_call WHERE id = %s AND recording_state = 'stored'",
            calls["connected"],
        ),
        "the recording",
    )
    # What an administrator changes or adds
    admin.call("ccp.call.outcome", "write", [outcome], {"name": "Very interested"})
    admin.call("ir.cron", "write", [server.ref("ir_cron_delete_old_data")], {"active": False})
    model = people.xml_id("airtel_ccp", "model_ccp_call")
    action = {"name": "Count", "model_id": model, "state": "code", "code": "len(records)"}
    admin.call("ir.actions.server", "create", action)
    report = server.ref("action_ccp_call_report")
    history = server.ref("action_ccp_call")
    favorites = [
        ("Weeks", report, "ccp.call", "[('trial', '=', False)]", "start_date:week"),
        ("Customers", report, "ccp.call", "[]", "partner_id"),
        ("Mine", history, "ccp.call", "[('user_id', '=', uid)]", "result"),
    ]
    if version == "19.0.1.0.0":
        favorites[0] = ("Weeks", report, "ccp.call", "[]", "start_date:week")
    if version >= "19.0.1.6.0":
        # The report has days since then, so each favorite is made on the model with its field
        favorites[0] = ("Weeks", report, "ccp.call.daily", "[]", "start_date:week")
        favorites[1] = ("Customers", history, "ccp.call", "[]", "partner_id")
    for name, place, model, domain, group in favorites:
        people.manager.call(
            "ir.filters",
            "create",
            {
                "name": name,
                "model_id": model,
                "action_id": place,
                "domain": domain,
                "context": f"{{'group_by': ['{group}']}}",
                "user_ids": [(4, people.manager.uid)],
            },
        )
    # An administrator may protect a scheduled action from updates
    server.query(
        "UPDATE ir_model_data SET noupdate = TRUE WHERE module = 'airtel_ccp' AND model = 'ir.cron'"
    )
    return calls


def sums(server):
    """Return the daily sums by their key."""
    names = [
        name
        for (name,) in server.query(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'ccp_call_daily' AND column_name NOT IN ('id', 'merged')"
            " ORDER BY ordinal_position"
        )
    ]
    key, parts = names[: names.index("calls")], names[names.index("calls") :]
    return server.query(
        f"SELECT {', '.join(key)}, {', '.join(f'SUM({part})' for part in parts)}"
        f" FROM ccp_call_daily GROUP BY {', '.join(key)} HAVING SUM(calls) <> 0"
        f" ORDER BY {', '.join(key)}"
    )


def complaints(log):
    """Return the lines of a log that are warnings or worse."""
    return [
        line
        for line in log.splitlines()
        if any(level in line for level in (" WARNING ", " ERROR ", " CRITICAL "))
    ]


def is_from_people(line):
    """Whether a difference is one that people made, see ``work``."""
    return (
        "Very interested" in line
        or '{"en_US": "Interested"}' in line
        or "delete call data past its period" in line
        and "scheduled actions" in line
    )


def recording(server, call_id):
    return server.query("SELECT recording_state FROM ccp_call WHERE id = %s", call_id)[0][0]


def check_snapshots(server, calls, live):
    """Calls that reports may still change know what was dialled."""
    rows = dict(server.query("SELECT id, dialled FROM ccp_call WHERE manual IS NOT TRUE"))
    assert all(rows.values()), rows
    assert rows[live]["customer_numbers"] == ["7000000123"]
    assert rows[live]["agent_numbers"] == [AGENT]
    assert (rows[live]["agent_name"], rows[live]["customer_name"]) == ("A", "B")
    assert rows[calls["other agent"]]["agent_numbers"] == [OTHER_AGENT]
    assert server.query("SELECT dialled FROM ccp_call WHERE manual IS TRUE")


def check_favorites(server):
    rows = server.query("SELECT name, model_id, action_id FROM ir_filters ORDER BY name")
    report, history = server.ref("action_ccp_call_report"), server.ref("action_ccp_call")
    assert rows == [
        ("Customers", "ccp.call", history),
        ("Mine", "ccp.call", history),
        ("Weeks", "ccp.call.daily", report),
    ]


def open_reports(env, user_id):
    """Read what each window of the addon shows first."""
    data = env["ir.model.data"].search(
        [("module", "=", "airtel_ccp"), ("model", "=", "ir.actions.act_window")]
    )
    for action in env["ir.actions.act_window"].browse(data.mapped("res_id")):
        model = env[action.res_model].with_user(user_id)
        if model._transient or not model.has_access("read"):
            continue
        where = {"uid": user_id, "active_id": 1, "active_ids": [1], "active_model": model._name}
        domain = safe_eval(action.domain or "[]", where)
        model.search(domain, limit=1)
        for mode in action.view_mode.split(","):
            model.get_view(view_type=mode)
    for favorite in env["ir.filters"].search([]):
        domain = safe_eval(favorite.domain, {"uid": user_id})
        groups = safe_eval(favorite.context)["group_by"]
        env[favorite.model_id].with_user(user_id).formatted_read_group(domain, groups, ["__count"])


def add_rule(env):
    """Add an automation rule on the end of a call, before any scheduled action runs."""
    model = env["ir.model"]._get("ccp.call")
    env["base.automation"].create(
        {
            "name": "Ended",
            "model_id": model.id,
            "trigger": "on_create_or_write",
            "filter_pre_domain": "[('ended', '=', False)]",
            "filter_domain": "[('ended', '=', True)]",
            "action_server_ids": [
                Command.create(
                    {
                        "name": "Note it",
                        "model_id": model.id,
                        "state": "code",
                        "code": "record.sudo().write({'note': 'RULE'})",
                    }
                )
            ],
        }
    )


def check_rules(server, live):
    """The rule on ended calls ran for the call that ended now, and for no earlier one."""
    wait_for(
        lambda: server.query("SELECT 1 FROM ccp_call WHERE id = %s AND ended", live),
        "rules about the ended call",
    )
    assert server.query("SELECT array_agg(id) FROM ccp_call WHERE note = 'RULE'") == [([live],)]


def check_uninstall(server):
    """Nothing is left when the addon goes."""
    uninstall = test_uninstall.TestUninstall()
    with uninstall.configuration_without_it() as path:
        done = uninstall.uninstall(server.database, path)
    assert done.returncode == 0, done.stderr[-4000:]
    left = {place: server.query(sql) for place, sql in test_uninstall.TRACES.items()}
    assert not {place: rows for place, rows in left.items() if rows}


@pytest.mark.skipif(not LONG, reason="make test-all runs it")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="past versions are in git's history")
@pytest.mark.parametrize("version", COMMITS)
def test_a_past_version_is_upgraded(version, subtests):
    """With a call in the middle, whose last reports come to the present version."""
    with (
        Sandbox(port=0, speed=50) as sandbox,
        Sandbox(port=0, speed=4, callback_attempts=2000, callback_pause=5) as slow,
        OldServer(version) as server,
    ):
        people = People(server, sandbox, slow)
        calls = work(people, version)
        people.admin.call("res.company", "write", [people.company], {"ccp_base_url": slow.url})
        live = people.place("7000000123")
        wait_for(lambda: people.state(live)[0] == "in_call", "the conversation")
        people.run_actions("ir_cron_measure_calls")
        figures = people.figures()
        server.stop()
        kept = {subject: server.query(sql) for subject, sql in KEPT.items()}
        log = server.upgrade()
        with subtests.test("log"):
            assert not complaints(log), "\n".join(complaints(log))
        for subject, sql in KEPT.items():
            with subtests.test(subject):
                assert server.query(sql) == kept[subject]
        found = differences(catalogues(server.database), catalogues(get_db_name()))
        found = [line for line in found if not is_from_people(line)]
        with subtests.test("catalogues"):
            assert not found, "\n".join(found)
        with subtests.test("snapshots"):
            check_snapshots(server, calls, live)
        with subtests.test("favorites"):
            check_favorites(server)
        with server.env() as env:
            add_rule(env)
            dashboard = env["ccp.dashboard"].with_user(people.manager.uid)
            with subtests.test("figures"):
                now = plain(dashboard.figures())
                wrong = {
                    key: (figures[key], now.get(key))
                    for key in figures
                    if now.get(key) != figures[key]
                }
                assert not wrong, wrong
        with subtests.test("reports"), server.env() as env:
            open_reports(env, people.manager.uid)
        with subtests.test("sums"), server.env() as env:
            before = sums(server)
            env["ccp.call.daily"]._count_all()
            env.cr.commit()
            assert sums(server) == before
        server.start()
        people.log_in()
        wait_for(lambda: people.state(live)[0] == "ended", "the live call's end", 120)
        assert people.state(live)[1] == "connected"
        people.run_actions(*CRONS)
        check_rules(server, live)
        wait_for(lambda: recording(server, live) == "stored", "the live call's recording")
        people.admin.call("res.company", "write", [people.company], {"ccp_base_url": sandbox.url})
        again = people.finish("7000000101")
        assert people.state(again)[1] == "connected"
        assert people.rep.get(f"/airtel_ccp/recording/{calls['connected']}").status == 200
        people.figures()
        server.stop()
        check_uninstall(server)
