# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Names, limits and error codes of Airtel CCP's Click to Call API.

Section numbers refer to "Airtel Cloud Communications Platform - API Specification Document - C2C".
"""

from types import MappingProxyType
from typing import NamedTuple

# The specification names no host; this is the one most accounts live on.
DEFAULT_BASE_URL = "https://iqtelephony.airtel.in/gateway/airtel-xchange"
# Section 1.3
DEFAULT_API_PATH = "/v2/execute/workflow"

# The defaults of the sandbox that comes with the addon, said again here because neither imports the
# other
SANDBOX_URL = "http://127.0.0.1:8270"
SANDBOX_USERNAME = "demo"
SANDBOX_PASSWORD = "p@55w0rd"
SANDBOX_CUSTOMER_ID = "SANDBOX-CUSTOMER"
SANDBOX_FLOW_ID = "SANDBOX-FLOW"
SANDBOX_CALLER_NUMBER = "8000000001"

# Section 1.4. A customer's flow may name its components otherwise.
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

# Section 1.7 prints ROUND ROBIN, Airtel's other documents ROUND_ROBIN
ROUND_ROBIN = ("ROUND ROBIN", "ROUND_ROBIN")
# The field of a component that holds the id of its agent pool. The specification asks for the id
# (ROUNDROBIN_AGENT_ID_MISSING) and does not name the field.
DEFAULT_POOL_KEY = "agentPoolId"
# CONFERENCE is refused on the second component
# (CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER). A pool there would take the customer's
# place, so it is for the agent's component, or for a further one.
AGENT_STRATEGIES = ("SEQUENTIAL", "PARALLEL", "CONFERENCE", *ROUND_ROBIN)
CUSTOMER_STRATEGIES = ("SEQUENTIAL", "PARALLEL")

# Section 2: FROM_/TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE
MAX_RETRIES = 3

# What is happening to a call, in the order of an ordinary call
STATES = (
    "queued",
    "refused",
    "unknown",
    "ringing_agent",
    "ringing_customer",
    "in_call",
    "ended",
)

# How an ended call ended
RESULTS = (
    "connected",
    "agent_no_answer",
    "agent_busy",
    "agent_unreachable",
    "customer_no_answer",
    "customer_busy",
    "customer_unreachable",
    "customer_rejected",
    "canceled",
    "failed",
    "no_report",
)

# Who can mend an error: the administrator in the settings, the user in a contact's or the own phone
# number, Airtel, or the developers of this addon.
ADMIN = "admin"
USER = "user"
AIRTEL = "airtel"
DEVELOPER = "developer"


class ErrorCode(NamedTuple):
    """One error code of section 2."""

    message: str
    """Airtel's message, verbatim."""
    mender: str
    """Who can mend it: one of ``ADMIN``, ``USER``, ``AIRTEL``, ``DEVELOPER``."""
    other_message: str = ""
    """A second wording, where section 2 prints the code twice."""


ERROR_CODES = MappingProxyType(
    {
        "INCORRECT_CALL_FLOW_ID": ErrorCode("incorrect call flow id", ADMIN),
        "CUSTOMER_DETAILS_NOT_AVAILABLE": ErrorCode("cpm details not found", AIRTEL),
        "INCORRECT_CUSTOMER_ID": ErrorCode("incorrect customerId", ADMIN),
        "INVALID_CALLER_ID": ErrorCode("invalid called id", ADMIN),
        "CALLER_ID_REGEX_ERROR": ErrorCode("Incorrect number", ADMIN, "caller Id not valid"),
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND": ErrorCode(
            "participant address cannot be duplicate", USER
        ),
        "UNABLE_TO_CREATE_SECRET_KEY": ErrorCode("unable to create secret key data", AIRTEL),
        "CLICK_TO_CALL_REQUEST_NULL_ERROR": ErrorCode(
            "click to call request cannot be null/blank", DEVELOPER
        ),
        # Airtel finds a component by its id, so a missing body points to the ids in the flow.
        "FROM_BODY_NULL_ERROR": ErrorCode("from body cannot be null/blank", ADMIN),
        "TO_BODY_NULL_ERROR": ErrorCode("to body cannot be null/blank", ADMIN),
        "CUSTOMER_ID_NULL_ERROR": ErrorCode("customerId cannot be null/blank", ADMIN),
        "CALL_FLOW_ID_NULL_ERROR": ErrorCode("callflowId cannot be null/blank", ADMIN),
        "ROUNDROBIN_AGENT_ID_MISSING": ErrorCode(
            "Agent Pool Id cannot be null/empty in case of Round Robin", ADMIN
        ),
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED": ErrorCode(
            "Participant List not allowed in case of Round Robin. Please provide Agent pool Id",
            ADMIN,
        ),
        "FROM_NUMBER_NULL_ERROR": ErrorCode(
            "There should be atleast one participant in from", DEVELOPER
        ),
        "FROM_PARTICIPANT_NUMBER_NULL_ERROR": ErrorCode("from participant number null error", USER),
        "FROM_PARTICIPANT_NUMBER_REGEX_ERROR": ErrorCode("from participant number not valid", USER),
        "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": ErrorCode(
            "Max retries can't be greater than 3", ADMIN
        ),
        "CALLER_ID_NULL_ERROR": ErrorCode("caller Id required", ADMIN),
        "TO_NUMBER_NULL_ERROR": ErrorCode(
            "There should be atleast one participant in to", DEVELOPER
        ),
        "TO_PARTICIPANT_NUMBER_NULL_ERROR": ErrorCode("to participant number null error", USER),
        "TO_PARTICIPANT_NUMBER_REGEX_ERROR": ErrorCode("to participant number not valid", USER),
        "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": ErrorCode(
            "Max retries can't be greater than 3", ADMIN
        ),
        "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER": ErrorCode(
            "CONFERENCE merging strategy not allowed in toNumber", ADMIN
        ),
        "AIRTEL_ONLINE_UNCAUGHT_ERROR": ErrorCode("2", AIRTEL),
    }
)
