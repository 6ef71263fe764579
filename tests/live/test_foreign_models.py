import os
from pathlib import Path

import pytest
from lxml import etree

from ...devtools.lab.session import RpcError
from ...sandbox.server import Sandbox
from ..common import LONG
from .server import LiveServer, LiveSetup, is_over, wait_for

INSTALL = ("hr_recruitment", "event", "airtel_ccp_helpdesk")
ADDONS = Path(__file__).parents[1] / "addons"
NUMBER = "+91 7000000101"
# Three addons more are installed for it
pytestmark = pytest.mark.skipif(not LONG, reason="make test-all runs it")


@pytest.fixture(scope="module")
def stack():
    foreign = os.environ.get("FOREIGN_ADDONS_PATH")
    assert foreign, "set FOREIGN_ADDONS_PATH to a folder that holds helpdesk_mgmt, or use make test"
    with (
        Sandbox(port=0, speed=50) as sandbox,
        LiveServer(install=INSTALL, addons_path=(ADDONS, foreign)) as server,
    ):
        yield server, LiveSetup(server, sandbox)


@pytest.fixture(scope="module")
def admin(stack):
    server, setup = stack
    groups = server.query(
        """
        SELECT res_id FROM ir_model_data WHERE model = 'res.groups' AND (module, name) IN (
            ('hr_recruitment', 'group_hr_recruitment_manager'),
            ('event', 'group_event_manager'),
            ('helpdesk_mgmt', 'group_helpdesk_manager'),
            ('helpdesk_mgmt', 'group_helpdesk_user'))
        """
    )
    session = server.login("admin", "admin")
    session.call(
        "res.users", "write", [setup.rep_id], {"group_ids": [[4, group] for (group,) in groups]}
    )
    return session


def create(session, model, **values):
    return session.call(model, "create", [values])[0]


def call_and_wait(stack, model, res_id, field_name=None):
    """Call a record as the rep, and return the rep's session and the ended call's id."""
    server, _setup = stack
    rep = server.login("rep")
    answer = rep.call("ccp.call", "place", model, res_id, field_name)
    assert rep.call("ccp.panel", "state")["call"]["res_model"] == model
    wait_for(is_over(server, answer["call_id"]), f"the end of the call on {model}")
    assert server.query("SELECT result FROM ccp_call WHERE id = %s", answer["call_id"]) == [
        ("connected",)
    ]
    return rep, answer["call_id"]


def card_on(session, model, res_id):
    """Return the bodies of the chatter cards on a record."""
    domain = [
        ("model", "=", model),
        ("res_id", "=", res_id),
        ("body", "like", "o_airtel_ccp_card"),
    ]
    return [each["body"] for each in session.call("mail.message", "search_read", domain, ["body"])]


def form(session, model):
    """Return the tree of a model's form."""
    return etree.fromstring(session.call(model, "get_view", view_type="form")["arch"])


def test_applicant(stack, admin):
    """A model with a phone field that this addon does not know."""
    applicant = create(admin, "hr.applicant", partner_name="Neha Rao", partner_phone=NUMBER)
    rep, _call = call_and_wait(stack, "hr.applicant", applicant, "partner_phone")
    assert len(card_on(rep, "hr.applicant", applicant)) == 1
    (phone,) = form(rep, "hr.applicant").xpath("//field[@name='partner_phone'][@widget='phone']")
    assert not phone.get("airtel_ccp_no_call")


def test_phones_of_employees_have_no_button(stack, admin):
    """Until somebody decides which of their phones a rep may call."""
    groups = stack[0].query(
        "SELECT res_id FROM ir_model_data WHERE model = 'res.groups' AND module = 'hr'"
        " AND name = 'group_hr_manager'"
    )
    admin.call("res.users", "write", [2], {"group_ids": [[4, group] for (group,) in groups]})
    phones = form(admin, "hr.employee").xpath("//field[@widget='phone']")
    assert {"work_phone", "mobile_phone", "private_phone"} <= {each.get("name") for each in phones}
    assert all(each.get("airtel_ccp_no_call") for each in phones)
    employee = create(admin, "hr.employee", name="Arun Das", mobile_phone=NUMBER)
    rep = stack[0].login("rep")
    for model, name in (("hr.employee", "mobile_phone"), ("hr.employee", "work_phone")):
        with pytest.raises(RpcError):
            rep.call("ccp.call", "place", model, employee, name)


def test_registration(stack, admin):
    event = create(
        admin,
        "event.event",
        name="Fair",
        date_begin="2030-01-01 10:00:00",
        date_end="2030-01-01 12:00:00",
    )
    registration = create(
        admin, "event.registration", event_id=event, name="Arun Das", phone=NUMBER
    )
    rep, _call = call_and_wait(stack, "event.registration", registration, "phone")
    assert len(card_on(rep, "event.registration", registration)) == 1


def test_ticket(stack, admin):
    """A model without a phone field: through the mixin, its contact's number is called."""
    _server, setup = stack
    ticket = create(
        admin, "helpdesk.ticket", name="No light", description="-", partner_id=setup.partner_id
    )
    rep, _call = call_and_wait(stack, "helpdesk.ticket", ticket)
    assert len(card_on(rep, "helpdesk.ticket", ticket)) == 1
    assert len(card_on(rep, "res.partner", setup.partner_id)) >= 1
    tree = form(rep, "helpdesk.ticket")
    assert tree.xpath("//button[@name='action_ccp_call_button']")
    assert tree.xpath("//button[@name='action_ccp_calls']//field[@name='ccp_call_count']")
    assert (
        rep.call("helpdesk.ticket", "read", [ticket], ["ccp_call_count"])[0]["ccp_call_count"] == 1
    )


def test_the_recipe_is_short():
    """What the developer's manual promises: fewer than ten lines."""
    source = ADDONS / "airtel_ccp_helpdesk" / "models" / "helpdesk_ticket.py"
    lines = [line for line in source.read_text().splitlines() if line.strip()]
    assert len(lines) < 10


def test_phones_come_from_employees(stack, admin):
    """If HR is installed, users without a phone get their employee's."""
    _server, setup = stack
    admin.call("res.users", "write", [setup.rep_id], {"ccp_phone": False})
    create(
        admin,
        "hr.employee",
        name="Asha Rep",
        user_id=setup.rep_id,
        mobile_phone="+91 70000 00901",
    )
    wizard = create(admin, "ccp.phone.import")
    admin.call("ccp.phone.import", "action_take_employees", [wizard])
    (shown,) = admin.call("ccp.phone.import", "read", [wizard], ["text", "has_employees"])
    assert shown["has_employees"]
    assert shown["text"] == "rep; +91 70000 00901"
    admin.call("ccp.phone.import", "action_import", [wizard])
    (rep,) = admin.call("res.users", "read", [setup.rep_id], ["ccp_phone"])
    assert rep["ccp_phone"] == "7000000901"
