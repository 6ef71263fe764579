import re
from urllib.parse import urlsplit

from ..common import AGENT
from ..secrets_in_logs import PASSWORD
from .server import live_stack, set_phone, wait_for

CUSTOMER = "7000000101"
# Where a secret must be stored, because it could not be used otherwise
HOMES = {
    "the password": {"res_company"},
    # The last one holds the README, whose table has the numbers of the sandbox
    "the customer's number": {
        "ccp_call",
        "ccp_call_event",
        "crm_lead",
        "res_partner",
        "ir_module_module",
    },
    "the agent's number": {"ccp_call", "ccp_call_event", "res_users"},
    "the token of a notify URL": set(),
    "the secret header": set(),
    "the address of a recording": set(),
}


def dump(server):
    """Return the rows of each table as text.

    :rtype: dict[str, str]
    """
    tables = server.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'm') ORDER BY relname"
    )
    return {
        table: server.query(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')[0][0] or ""
        for (table,) in tables
    }


def test_a_dump_of_the_database_tells_no_secret_it_could_do_without():
    """After a call that was recorded, and whose recording was fetched."""
    with live_stack(speed=50) as (server, sandbox, setup):
        rep = server.login("rep")
        set_phone(server, setup, CUSTOMER)
        call_id = rep.call("crm.lead", "action_ccp_call", [setup.lead_id])["call_id"]
        wait_for(
            lambda: (
                server.query("SELECT recording_state FROM ccp_call WHERE id = %s", call_id)
                == [("stored",)]
            ),
            "the recording",
        )
        components = sandbox.calls()[0]["body"]["callFlowConfiguration"].values()
        callbacks = next(each["callBackURLs"] for each in components if "callBackURLs" in each)
        secrets = {
            "the password": [PASSWORD],
            "the customer's number": [CUSTOMER],
            "the agent's number": [AGENT],
            "the token of a notify URL": [
                urlsplit(each["notifyURL"]).path.rpartition("/")[2] for each in callbacks
            ],
            "the secret header": [
                value for each in callbacks for value in each["headers"].values()
            ],
            "the address of a recording": [
                f"{sandbox.url}/recordings",
                ".wav?token=",
                r"wav?token\u003d",
            ],
        }
        assert all(secrets.values())
        tables = dump(server)
    assert "ccp_call_event" in tables and CUSTOMER in tables["ccp_call"]
    for name, values in secrets.items():
        pattern = re.compile("|".join(map(re.escape, values)))
        found = {table for table, text in tables.items() if pattern.search(text)}
        assert found <= HOMES[name], f"{name} stands in {sorted(found - HOMES[name])}"
    assert tables["res_company"].count(PASSWORD) == 1
