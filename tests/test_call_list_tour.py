from odoo.tests import tagged

from .test_browser import TourCase


@tagged("post_install", "-at_install")
class TestCallListTour(TourCase):
    """A rep works through the call list on its page."""

    def setUp(self):
        super().setUp()
        self.set_up_company(self.env, self.sandbox.url)
        self.env.company.ccp_notify_base_url = self.base_url()
        self.set_up_people(self.env)

    def test_page_and_panel_say_the_same(self):
        leads = self.env["crm.lead"].create(
            [
                {"name": name, "type": "opportunity", "phone": phone, "user_id": self.rep.id}
                for name, phone in [
                    ("First", "+91 7000000104"),
                    ("Second", "+91 7000000103"),
                    ("Third", "+91 7000000101"),
                ]
            ]
        )
        items = self.env["ccp.call.list.item"].with_user(self.rep)
        items.add_records("crm.lead", leads.ids)
        with self.folding():
            self.start_tour(
                "/odoo/action-airtel_ccp.action_ccp_call_list_item",
                "airtel_ccp_call_list_page",
                login="rep",
                timeout=180,
            )
        self.env.invalidate_all()
        states = {item.res_id: (item.state, item.attempts) for item in items.search([])}
        self.assertEqual(
            [states[lead.id] for lead in leads], [("skipped", 0), ("skipped", 0), ("done", 1)]
        )
