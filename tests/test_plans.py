import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import SQL

from .common import AGENT, CcpCase

ROWS = 50000
AGENTS = 40
LARGE = ("ccp_call", "ccp_call_event")
PAGE = {"order": "start_date desc, id desc", "limit": 80}


@tagged("post_install", "-at_install")
class TestPlans(CcpCase):
    """What is asked all day long finds its rows by an index, however many there are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.call = cls.env["ccp.call"].create(
            {
                "res_model": "crm.lead",
                "res_id": cls.lead.id,
                "partner_id": cls.partner.id,
                "lead_id": cls.lead.id,
                "user_id": cls.rep.id,
                "company_id": cls.env.company.id,
                "agent_number": AGENT,
                "customer_number": "7000000444",
                "state": "in_call",
                "request_outcome": "accepted",
                "token_digest": "digest",
                "deadline": fields.Datetime.now() - timedelta(minutes=1),
            }
        )
        cls.env.flush_all()
        cr = cls.env.cr
        cr.execute(
            """
            INSERT INTO res_partner (name, active) SELECT 'Plan', TRUE FROM generate_series(1, %s)
            RETURNING id
            """,
            [AGENTS],
        )
        partners = [row[0] for row in cr.fetchall()]
        cr.execute(
            """
            INSERT INTO res_users (login, company_id, partner_id, active, notification_type)
            SELECT 'plan' || partner_id, %s, partner_id, TRUE, 'email'
              FROM unnest(%s) AS partner_id
            RETURNING id
            """,
            [cls.env.company.id, partners],
        )
        users = [row[0] for row in cr.fetchall()]
        # The sums are another matter, and cost most of the time
        cr.execute("ALTER TABLE ccp_call DISABLE TRIGGER USER")
        cr.execute(
            """
            INSERT INTO ccp_call (user_id, company_id, partner_id, res_model, res_id, direction,
                                  agent_number, customer_number, state, result, start_date, live,
                                  recording_state, request_outcome, attempts, reached,
                                  agent_failures, measured, ended, activity_done, token_digest)
            SELECT (%(users)s)[i %% %(agents)s + 1], %(company)s,
                   CASE WHEN i %% 20 = 0 THEN (%(partners)s)[i / 20 %% %(agents)s + 1] END,
                   'res.partner', i, 'outbound', '7100000000', (9000000000 + i)::text, 'ended',
                   'connected', now() AT TIME ZONE 'UTC' - (%(rows)s - i) * INTERVAL '10 minutes',
                   FALSE, 'none', 'accepted', 1, 1, 0, TRUE, TRUE, TRUE, md5(i::text)
              FROM generate_series(1, %(rows)s) i
            """,
            {
                "users": users,
                "agents": AGENTS,
                "company": cls.env.company.id,
                "partners": partners,
                "rows": ROWS,
            },
        )
        cr.execute("ALTER TABLE ccp_call ENABLE TRIGGER USER")
        cr.execute(
            """
            INSERT INTO ccp_call_event (call_id, kind, fingerprint, received_at, folded)
            SELECT id, 'event', id::text, start_date, TRUE FROM ccp_call WHERE id > %s
            """,
            [cls.call.id],
        )
        cr.execute(
            """
            INSERT INTO ccp_call_event (call_id, kind, fingerprint, received_at, folded)
            VALUES (%s, 'event', 'new', now() AT TIME ZONE 'UTC', FALSE)
            """,
            [cls.call.id],
        )
        cr.execute("ANALYZE ccp_call")
        cr.execute("ANALYZE ccp_call_event")

    def statements(self, ask, user=None):
        """Return the statements about calls and reports that a method runs."""
        found = []
        execute = Cursor.execute

        def noting(cursor, query, params=None, log_exceptions=True):
            result = execute(cursor, query, params, log_exceptions)
            found.append(cursor._obj.query.decode())
            return result

        self.env.flush_all()
        self.env.invalidate_all()
        env = self.env(user=user) if user else self.env
        with patch.object(Cursor, "execute", noting):
            ask(env)
        return [
            each
            for each in found
            if each.split()[0] == "SELECT"
            and any(re.search(rf'FROM "?{name}\b', each) for name in LARGE)
        ]

    def assert_indexed(self, ask, user=None, index=None):
        """Check that no statement reads a large table as a whole.

        :param ask: what to run, with an environment
        :param index: an index that one of the plans has to name
        """
        statements = self.statements(ask, user)
        self.assertTrue(statements)
        plans = []
        for statement in statements:
            self.env.cr.execute(b"EXPLAIN " + statement.encode().replace(b"%", b"%%"), ())
            plans.append("\n".join(row[0] for row in self.env.cr.fetchall()))
            for name in LARGE:
                self.assertNotRegex(plans[-1], rf"Seq Scan on {name}\b", statement)
        if index:
            self.assertIn(index, "\n".join(plans))

    def page(self, *domain):
        """Return the method that asks for a list's first page."""
        return lambda env: env["ccp.call"].search_fetch(list(domain), ["start_date"], **PAGE)

    def test_first_page(self):
        self.assert_indexed(self.page(), self.manager, "_page_idx")

    def test_first_page_of_a_rep(self):
        self.assert_indexed(self.page(), self.rep, "_agent_page_idx")

    def test_first_page_of_a_rep_when_calls_come_in(self):
        """What others missed or left costs nobody a look at all calls."""
        registry = self.env.registry
        self.addCleanup(setattr, registry, "ccp_incoming_presence", (True, None))
        registry.ccp_incoming_presence = (True, None)
        self.assert_indexed(self.page(), self.rep)
        self.assert_indexed(
            lambda env: env["ccp.call"].search_count([], limit=10001), self.rep, "_agent_page_idx"
        )

    def test_an_incoming_call_by_its_customer(self):
        company = self.env.company
        near = [
            *self.env["ccp.call"]._incoming_domain(company),
            ("customer_number", "=", "7000000444"),
            ("start_date", ">=", fields.Datetime.now() - timedelta(hours=4)),
        ]
        order = "start_date desc, id desc"
        self.assert_indexed(
            lambda env: env["ccp.call"].search(near, order=order, limit=20), index="_incoming"
        )
        self.assert_indexed(
            lambda env: env["ccp.call"]._may_take_another(company), index="_incoming_made_idx"
        )

    def test_one_agents_page(self):
        agent = self.env["res.users"].search([("login", "=like", "plan%")], limit=1)
        mine = ("user_id", "=", agent.id)
        self.assert_indexed(self.page(mine), self.manager, "_agent_page_idx")
        # The number above the list
        self.assert_indexed(
            lambda env: env["ccp.call"].search_count([mine], limit=10001),
            self.manager,
            "_agent_page_idx",
        )

    def test_number(self):
        number = self.page(("phone_search", "ilike", "00444"))
        self.assert_indexed(number, self.manager, "_customer_suffix_idx")
        self.assert_indexed(number, self.rep, "_customer_suffix_idx")

    def test_count_of_a_contacts_calls(self):
        self.assert_indexed(
            lambda env: self.partner.with_env(env).ccp_call_count,
            self.manager,
            "ccp_call__partner_id_index",
        )

    def test_count_of_a_leads_calls(self):
        self.assert_indexed(
            lambda env: self.lead.with_env(env).ccp_call_count, self.manager, "_record_idx"
        )

    def test_live_calls(self):
        self.assert_indexed(
            lambda env: env["ccp.call"].search([("live", "=", True)], order="start_date, id"),
            self.manager,
            "_live_idx",
        )

    def test_pending_reports(self):
        self.assert_indexed(lambda env: self.env["ccp.call"]._take_pending(), index="_pending_idx")
        self.assert_indexed(lambda env: self.env["ccp.call"]._count_pending(), index="_pending_idx")

    def test_reports_that_wait_for_their_call(self):
        """However many they are, a fold finds those that name its call, and the next new one."""
        reports, call = self.env["ccp.call.event"], self.call
        call.write({"correlation_id": "correlation", "session_id": "session"})
        self.env.cr.execute(
            """
            INSERT INTO ccp_call_event (company_id, kind, fingerprint, received_at, match_date,
                                        named_correlation, named_session, named_pair)
            SELECT %s, 'cdr', 'waits' || i, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC',
                   'c' || i, 's' || i, md5(i::text)
              FROM generate_series(1, %s) i
            """,
            [self.env.company.id, ROWS],
        )
        self.env.cr.execute("ANALYZE ccp_call_event")
        naming = SQL("SELECT id FROM ccp_call_event WHERE %s", reports._naming(call))
        for name in ("correlation", "session", "pair"):
            self.assert_indexed(lambda env: env.execute_query(naming), index=f"_named_{name}_idx")
        self.assert_indexed(lambda env: reports._count_unmatched(), index="_unmatched_idx")
        self.assert_indexed(lambda env: reports._unmatched(limit=50), index="_unmatched_idx")

    def test_calls_to_notify_of(self):
        for index in ("_notify_idx", "_to_end_idx"):
            self.assert_indexed(lambda env: env["ccp.call"]._take_to_notify(), index=index)
        self.assert_indexed(lambda env: env["ccp.call"]._count_to_notify(), index="_to_end_idx")

    def test_deadlines(self):
        overdue = [("deadline", "<=", fields.Datetime.now())]
        self.assert_indexed(lambda env: env["ccp.call"].search(overdue), index="_deadline_idx")

    def test_token_of_a_report(self):
        self.env.cr.execute("SELECT prosrc FROM pg_proc WHERE proname = 'ccp_call_of_token'")
        (body,) = self.env.cr.fetchone()
        # PostgreSQL does not show the plan of a statement in a function
        statement = body.partition("RETURN QUERY")[2].partition(";")[0]
        asked = statement.replace("wanted", "'digest'").replace("moment", "now()").strip()
        self.assert_indexed(lambda env: env.cr.execute(asked), index="_token_digest_uniq")

    def test_unmeasured_calls(self):
        calls = self.env["ccp.call"]
        self.assert_indexed(lambda env: calls._take_unmeasured(), index="_unmeasured_idx")

    def test_recordings_that_are_due(self):
        calls = self.env["ccp.call"]
        for domain, order, index in (
            (calls._recordings_due(), "recording_next_date, id", "_recording_due_idx"),
            (calls._recordings_asked_for(), "recording_asked_date, id", "_recording_asked_idx"),
            (calls._old_copies(), "recording_expiry, id", "_recording_expiry_idx"),
        ):
            self.assert_indexed(
                lambda env, domain=domain, order=order: env["ccp.call"].search(
                    domain, order=order, limit=6
                ),
                index=index,
            )

    def test_recordings_that_wait(self):
        health = self.env["ccp.health"]
        company = self.env.company
        self.assert_indexed(
            lambda env: health._check_recordings(company), index="_recording_pending_idx"
        )

    def test_reports_of_a_call(self):
        self.assert_indexed(lambda env: self.call.with_env(env).event_ids)
