import pytest

from devtools.lab import customers
from devtools.machine.errors import ToolError
from devtools.machine.services import free_port
from sandbox.server import Sandbox


@pytest.fixture
def sandbox():
    with Sandbox(port=0, speed=1000, callback_attempts=1) as server:
        yield server


def test_a_customer_calls_where_odoo_listens(sandbox):
    odoo_url = f"http://127.0.0.1:{free_port()}"
    customers.connect(sandbox.url, odoo_url, "route-token", "notify-token")
    customers.ring(sandbox.url)
    sandbox.wait_idle(15)
    (call,) = sandbox.incoming_calls()
    assert (call["from"], call["to"]) == (customers.CUSTOMER, customers.AIRTEL_NUMBER)
    assert [each["url"] for each in call["asked"]] == [f"{odoo_url}/airtel_ccp/route/route-token"]
    assert {each["url"] for each in call["callbacks"]} == {
        f"{odoo_url}/airtel_ccp/webhook/notify-token"
    }


def test_the_sandboxs_own_sentence(sandbox):
    with pytest.raises(ToolError, match="refused: .*Nobody would learn of a call"):
        customers.ring(sandbox.url)


def test_no_sandbox():
    with pytest.raises(ToolError, match="did not answer"):
        customers.ring(f"http://127.0.0.1:{free_port()}")
