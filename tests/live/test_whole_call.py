import pytest
import requests

from .server import FOLDED, end_all, is_over, live_stack, set_phone, wait_for


@pytest.fixture(scope="module")
def stack():
    with live_stack(speed=50) as parts:
        yield parts


@pytest.fixture
def server(stack):
    return stack[0]


@pytest.fixture
def sandbox(stack):
    stack[1].clear()
    return stack[1]


@pytest.fixture
def setup(stack, sandbox):
    server, _sandbox, setup = stack
    yield setup
    sandbox.wait_idle(timeout=30)
    end_all(server)


def test_whole_path(server, sandbox, setup):
    """Click, ring, talk, end, card, recording: nobody helps but Odoo's own scheduled actions."""
    set_phone(server, setup, "7000000101")
    rep = server.login("rep")
    answer = rep.call("crm.lead", "action_ccp_call", [setup.lead_id], field_name="phone")
    call_id = answer["call_id"]
    wait_for(is_over(server, call_id), "the call's end")
    (call,) = rep.call("ccp.call", "read", [call_id], ["state", "result", "talk_seconds"])
    assert call["result"] == "connected"
    wait_for(
        lambda: (
            server.query("SELECT recording_state FROM ccp_call WHERE id = %s", call_id)
            == [("stored",)]
        ),
        "the recording",
    )
    messages = rep.call(
        "mail.message",
        "search_read",
        [
            ("model", "=", "crm.lead"),
            ("res_id", "=", setup.lead_id),
            ("body", "like", "o_airtel_ccp_card"),
        ],
        ["body"],
    )
    assert len(messages) == 1
    assert f"/airtel_ccp/recording/{call_id}" in messages[0]["body"]
    sound = rep.get(f"/airtel_ccp/recording/{call_id}", timeout=20)
    assert sound.status == 200
    assert sound.body[:4] == b"RIFF"
    assert "token=" not in server.read_log()


def test_replay_after_a_serialization_failure_sends_one_post(server, sandbox, setup):
    """Odoo replays a request whose own transaction fails; the call is not placed again.

    The click's transaction is made to fail as a concurrent update would make it: the click happens
    inside a server action that also writes a row, which a trigger refuses at the first try.
    """
    set_phone(server, setup, "7000000101")
    server.query(
        """
        CREATE SEQUENCE IF NOT EXISTS ccp_test_tries;
        SELECT setval('ccp_test_tries', 1, false);
        CREATE OR REPLACE FUNCTION ccp_test_fail() RETURNS trigger AS $$
        BEGIN
            IF NEW.ref = 'fail' AND nextval('ccp_test_tries') <= 1 THEN
                RAISE EXCEPTION 'forced' USING ERRCODE = '40001';
            END IF;
            RETURN NEW;
        END $$ LANGUAGE plpgsql;
        DROP TRIGGER IF EXISTS ccp_test_fail ON res_partner;
        CREATE TRIGGER ccp_test_fail BEFORE UPDATE ON res_partner
            FOR EACH ROW EXECUTE FUNCTION ccp_test_fail();
        """
    )
    with server.env() as env:
        action = env["ir.actions.server"].create(
            {
                "name": "click and write",
                "model_id": env.ref("crm.model_crm_lead").id,
                "state": "code",
                "code": f"record.action_ccp_call('phone')\n"
                f"env['res.partner'].sudo().browse({setup.partner_id}).write({{'ref': 'fail'}})",
            }
        )
        action_id = action.id
    rep = server.login("rep")
    context = {
        "active_model": "crm.lead",
        "active_id": setup.lead_id,
        "active_ids": [setup.lead_id],
    }
    try:
        rep.call("ir.actions.server", "run", [action_id], context=context)
    finally:
        server.query("DROP TRIGGER ccp_test_fail ON res_partner")
    assert server.query("SELECT is_called FROM ccp_test_tries") == [(True,)], "it never failed"
    assert server.query("SELECT ref FROM res_partner WHERE id = %s", setup.partner_id) == [
        ("fail",)
    ]
    assert len(sandbox.calls()) == 1


def test_report_that_beats_the_answer(server, sandbox, setup):
    """A report that comes while Airtel still writes its answer is kept and counted."""
    set_phone(server, setup, "7000000118")
    rep = server.login("rep")
    answer = rep.call("crm.lead", "action_ccp_call", [setup.lead_id])
    wait_for(is_over(server, answer["call_id"]), "the call's end")
    state, result, live = server.query(FOLDED, answer["call_id"])[0]
    assert (result, live) == ("connected", False)
    (correlation,) = server.query(
        "SELECT correlation_id FROM ccp_call WHERE id = %s", answer["call_id"]
    )[0]
    assert correlation == sandbox.calls()[0]["correlationId"]
    posted = [c for c in sandbox.calls()[0]["callbacks"] if c["status"] == 200]
    stored = server.query(
        "SELECT count(*) FROM ccp_call_event WHERE call_id = %s", answer["call_id"]
    )
    assert stored == [(len(posted),)]


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("7000000102", "agent_no_answer"),
        ("7000000103", "customer_busy"),
        ("7000000104", "customer_no_answer"),
        ("7000000105", "customer_unreachable"),
        ("7000000106", "customer_rejected"),
        ("7000000107", "connected"),
        ("7000000108", "connected"),
        ("7000000112", "connected"),
        ("7000000119", "agent_busy"),
        ("7000000120", "agent_unreachable"),
        ("7000000121", "canceled"),
        ("7000000124", "connected"),
        ("7000000128", "connected"),
        ("7000000129", "connected"),
        ("7000000133", "connected"),
        ("7000000135", "connected"),
        ("7000000136", "connected"),
        ("7000000137", "connected"),
        ("7000000138", "connected"),
        ("7000000139", "connected"),
        ("7000000140", "connected"),
        ("7000000141", "connected"),
        ("7000000142", "connected"),
        ("7000000143", "connected"),
    ],
)
def test_scripts(server, sandbox, setup, number, result):
    """Each of the sandbox's stories ends with its result."""
    set_phone(server, setup, number)
    answer = server.login("rep").call("crm.lead", "action_ccp_call", [setup.lead_id])

    def told():
        return server.query(FOLDED, answer["call_id"])[0]

    # Reports that come late may still change the result of a call that has ended
    wait_for(lambda: told()[:2] == ("ended", result), f"{result} of {number}")


def test_unknown_token_is_not_found(server):
    answer = requests.post(f"{server.url}/airtel_ccp/webhook/nobody", json={}, timeout=20)
    assert answer.status_code == 404
    assert "/airtel_ccp/webhook/nobody" not in server.read_log()
