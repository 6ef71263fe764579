# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Names, limits and error codes of Airtel CCP's Click to Call API.

Section numbers refer to "Airtel Cloud Communications Platform - API Specification Document - C2C".
"""

import re
from types import MappingProxyType
from typing import NamedTuple

# The specification names no host; most accounts use this one.
DEFAULT_BASE_URL = "https://iqtelephony.airtel.in/gateway/airtel-xchange"
# Section 1.3
DEFAULT_API_PATH = "/v2/execute/workflow"

# The defaults of the sandbox that comes with the addon, repeated here because neither imports the
# other
SANDBOX_URL = "http://127.0.0.1:8270"
SANDBOX_USERNAME = "demo"
SANDBOX_PASSWORD = "p@55w0rd"
SANDBOX_CUSTOMER_ID = "SANDBOX-CUSTOMER"
SANDBOX_FLOW_ID = "SANDBOX-FLOW"
SANDBOX_CALLER_NUMBER = "8000000001"

# Section 1.4. A customer's flow may use other component names.
DEFAULT_INITIATE_ID = "initiateCall_1"
DEFAULT_ADD_ID = "addParticipant_1"
DEFAULT_RECORD_ID = "record"

# Section 1.9
CALLBACK_EVENT_TYPES = (
    "ALL",
    "CALL",
    "MEDIA",
    "DTMF",
    "RECORD",
    "CDR",
    "API",
    "SUBMITTED",
    "DELIVERED",
    "ERROR",
)

# Section 1.7 has ROUND ROBIN, Airtel's other documents ROUND_ROBIN
ROUND_ROBIN = ("ROUND ROBIN", "ROUND_ROBIN")
# The field of a component that holds the id of its agent pool. The specification asks for the id
# (ROUNDROBIN_AGENT_ID_MISSING) and does not name the field.
DEFAULT_POOL_KEY = "agentPoolId"
# CONFERENCE is refused on the second component
# (CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER). A pool there would replace the customer,
# so only the agent's component, or a further one, can have one.
AGENT_STRATEGIES = ("SEQUENTIAL", "PARALLEL", "CONFERENCE", *ROUND_ROBIN)
CUSTOMER_STRATEGIES = ("SEQUENTIAL", "PARALLEL")

# Section 2: FROM_/TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE
MAX_RETRIES = 3

# Who can correct an error
ADMINISTRATOR = "administrator"
AGENT = "agent"
AIRTEL = "airtel"
SERVER = "server"


class About(NamedTuple):
    """What follows from the subject of an error."""

    turn: str
    """Who can correct it: ``ADMINISTRATOR``, ``AGENT`` (an error in the agent's or the customer's
    number), ``AIRTEL`` or ``SERVER`` (who runs it); "" if it passes by itself."""
    step: str = ""
    """The step of the set-up whose settings it is about: ``account``, ``flow``, or ""."""
    credentials: bool | None = None
    """Whether Airtel accepted user name, password and customer id; ``None`` if the error does not
    show it."""


# An error's subject decides its sentence, who acts, the set-up's step and the health list's line.
ABOUT = MappingProxyType(
    {
        "address": About(ADMINISTRATOR, "account"),
        "connection": About(SERVER, "account"),
        "credentials": About(ADMINISTRATOR, "account", credentials=False),
        "customer_id": About(ADMINISTRATOR, "account", credentials=False),
        "turned_away": About(AIRTEL, "account", credentials=False),
        "account": About(AIRTEL, "account", credentials=False),
        "flow": About(ADMINISTRATOR, "flow", credentials=True),
        "caller_id": About(ADMINISTRATOR, "flow", credentials=True),
        "retries": About(ADMINISTRATOR, "flow", credentials=True),
        "round_robin": About(ADMINISTRATOR, "flow", credentials=True),
        "conference": About(ADMINISTRATOR, "flow", credentials=True),
        # Airtel finds a component by its id, so a missing part points to wrong ids in the flow
        "components": About(ADMINISTRATOR, "flow", credentials=True),
        # A status without one of Airtel's codes: how far the request got is unknown
        "request": About(ADMINISTRATOR, "flow"),
        "agent": About(AGENT, credentials=True),
        "customer": About(AGENT, credentials=True),
        "same_number": About(AGENT, credentials=True),
        "fault": About(AIRTEL),
        "conflict": About(""),
        "busy": About(""),
        # Phones may ring: the call is not confirmed
        "unconfirmed": About(""),
        "unexpected": About(ADMINISTRATOR),
    }
)


class ErrorCode(NamedTuple):
    """One error code of section 2."""

    message: str
    """Airtel's message, verbatim."""
    about: str
    """The subject: a key of ``ABOUT``."""


ERROR_CODES = MappingProxyType(
    {
        "INCORRECT_CALL_FLOW_ID": ErrorCode("incorrect call flow id", "flow"),
        "CUSTOMER_DETAILS_NOT_AVAILABLE": ErrorCode("cpm details not found", "account"),
        "INCORRECT_CUSTOMER_ID": ErrorCode("incorrect customerId", "customer_id"),
        "INVALID_CALLER_ID": ErrorCode("invalid called id", "caller_id"),
        "CALLER_ID_REGEX_ERROR": ErrorCode("Incorrect number", "caller_id"),
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND": ErrorCode(
            "participant address cannot be duplicate", "same_number"
        ),
        "UNABLE_TO_CREATE_SECRET_KEY": ErrorCode("unable to create secret key data", "fault"),
        "CLICK_TO_CALL_REQUEST_NULL_ERROR": ErrorCode(
            "click to call request cannot be null/blank", "components"
        ),
        "FROM_BODY_NULL_ERROR": ErrorCode("from body cannot be null/blank", "components"),
        "TO_BODY_NULL_ERROR": ErrorCode("to body cannot be null/blank", "components"),
        "CUSTOMER_ID_NULL_ERROR": ErrorCode("customerId cannot be null/blank", "customer_id"),
        "CALL_FLOW_ID_NULL_ERROR": ErrorCode("callflowId cannot be null/blank", "flow"),
        "ROUNDROBIN_AGENT_ID_MISSING": ErrorCode(
            "Agent Pool Id cannot be null/empty in case of Round Robin", "round_robin"
        ),
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED": ErrorCode(
            "Participant List not allowed in case of Round Robin. Please provide Agent pool Id",
            "round_robin",
        ),
        "FROM_NUMBER_NULL_ERROR": ErrorCode(
            "There should be atleast one participant in from", "components"
        ),
        "FROM_PARTICIPANT_NUMBER_NULL_ERROR": ErrorCode(
            "from participant number null error", "agent"
        ),
        "FROM_PARTICIPANT_NUMBER_REGEX_ERROR": ErrorCode(
            "from participant number not valid", "agent"
        ),
        "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": ErrorCode(
            "Max retries can't be greater than 3", "retries"
        ),
        "CALLER_ID_NULL_ERROR": ErrorCode("caller Id required", "caller_id"),
        "TO_NUMBER_NULL_ERROR": ErrorCode(
            "There should be atleast one participant in to", "components"
        ),
        "TO_PARTICIPANT_NUMBER_NULL_ERROR": ErrorCode(
            "to participant number null error", "customer"
        ),
        "TO_PARTICIPANT_NUMBER_REGEX_ERROR": ErrorCode(
            "to participant number not valid", "customer"
        ),
        "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": ErrorCode(
            "Max retries can't be greater than 3", "retries"
        ),
        "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER": ErrorCode(
            "CONFERENCE merging strategy not allowed in toNumber", "conference"
        ),
        "AIRTEL_ONLINE_UNCAUGHT_ERROR": ErrorCode("2", "fault"),
    }
)

# The addon's own codes, for requests without an answer; see ``client.CcpError``
OWN_CODES = MappingProxyType(
    {
        "BAD_URL": "address",
        "NO_CONNECTION": "connection",
        "TLS": "connection",
        "TIMEOUT": "unconfirmed",
        "RESET": "unconfirmed",
        "BROKEN_BODY": "unconfirmed",
        "NO_CORRELATION_ID": "unconfirmed",
    }
)

# Section 4.2, and the statuses of gateways in front of Airtel
STATUSES = MappingProxyType(
    {
        400: "request",
        401: "credentials",
        403: "turned_away",
        404: "address",
        405: "address",
        409: "conflict",
        412: "account",
        413: "request",
        429: "busy",
        500: "fault",
        501: "request",
        502: "unconfirmed",
        503: "busy",
        504: "unconfirmed",
    }
)
_STATUS_CODE = re.compile(r"HTTP_([0-9]{3})")


def about(code: str, status: int | None = None) -> str:
    """Return the subject of an error.

    :param code: the code of the refusal, Airtel's or the addon's own
    :param status: the answer's HTTP status, used if the code is unknown
    :return: a key of ``ABOUT``
    """
    if code in ERROR_CODES:
        return ERROR_CODES[code].about
    if code in OWN_CODES:
        return OWN_CODES[code]
    if match := _STATUS_CODE.fullmatch(code):
        status = int(match[1])
    elif status in (502, 504):
        # An answer with a code means that the request was refused
        return "fault"
    if status in STATUSES:
        return STATUSES[status]
    if status and 300 <= status < 400:
        return "address"
    return "fault" if status and 500 <= status < 600 else "unexpected"
