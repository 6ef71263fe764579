"""The specification's answers to requests that it refuses (sections 2 and 4.2)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRow:
    """One row of the error table.

    ``key`` names the row. It is the error code, except for the second row of
    CALLER_ID_REGEX_ERROR, a code that the specification prints with two messages.
    ``provoked_by`` says which request gets this answer; empty: only a script number does.
    """

    code: str
    message: str
    provoked_by: str = ""
    status: int = 400
    layer: str = "CONTROLLER"
    key: str = ""

    def __post_init__(self):
        if not self.key:
            object.__setattr__(self, "key", self.code)

    def body(self):
        """Return the whole answer, with the specification's nine keys in its order."""
        return {
            "httpStatus": self.status,
            "displayMessage": None,
            "errorMessage": self.message,
            "errorCode": self.code,
            "errorType": None,
            "apiPath": None,
            "errorDetails": None,
            "resourceLayer": self.layer,
            "errorMeta": None,
        }


REQUEST_NULL = "CLICK_TO_CALL_REQUEST_NULL_ERROR"
COMPONENT_CALLER_ID_REGEX = "CALLER_ID_REGEX_ERROR (component)"
UNCAUGHT = "AIRTEL_ONLINE_UNCAUGHT_ERROR"

# In the specification's order: script numbers 70000003NN count its rows. Spelling mistakes in codes
# and messages are the specification's, too.
ERRORS = (
    ErrorRow("INCORRECT_CALL_FLOW_ID", "incorrect call flow id", "an unknown callFlowId"),
    ErrorRow("CUSTOMER_DETAILS_NOT_AVAILABLE", "cpm details not found"),
    ErrorRow("INCORRECT_CUSTOMER_ID", "incorrect customerId", "an unknown customerId"),
    ErrorRow("INVALID_CALLER_ID", "invalid called id", "a callerId that the account doesn't own"),
    ErrorRow(
        "CALLER_ID_REGEX_ERROR", "Incorrect number", "a top-level callerId that isn't 10 digits"
    ),
    ErrorRow(
        "DUPLICATE_PARTICIPANT_ADDRESS_FOUND",
        "participant address cannot be duplicate",
        "one participantAddress twice",
    ),
    ErrorRow("UNABLE_TO_CREATE_SECRET_KEY", "unable to create secret key data"),
    ErrorRow(
        REQUEST_NULL,
        "click to call request cannot be null/blank",
        "an empty body, one that isn't a JSON object, and every defect without a code of its own",
    ),
    ErrorRow(
        "FROM_BODY_NULL_ERROR",
        "from body cannot be null/blank",
        "no initiateCall component, or an empty one",
    ),
    ErrorRow(
        "TO_BODY_NULL_ERROR",
        "to body cannot be null/blank",
        "no addParticipant component, or an empty one",
    ),
    ErrorRow(
        "CUSTOMER_ID_NULL_ERROR", "customerId cannot be null/blank", "no customerId or a blank one"
    ),
    ErrorRow(
        "CALL_FLOW_ID_NULL_ERROR", "callflowId cannot be null/blank", "no callFlowId or a blank one"
    ),
    ErrorRow(
        "CALLER_ID_REGEX_ERROR",
        "caller Id not valid",
        "a callerId of a component or participant that isn't 10 digits",
        key=COMPONENT_CALLER_ID_REGEX,
    ),
    ErrorRow(
        "ROUNDROBIN_AGENT_ID_MISSING",
        "Agent Pool Id cannot be null/empty in case of Round Robin",
        "ROUND ROBIN without agentPoolId",
    ),
    ErrorRow(
        "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED",
        "Participant List not allowed in case of Round Robin. Please provide Agent pool Id",
        "ROUND ROBIN with participants",
    ),
    ErrorRow(
        "FROM_NUMBER_NULL_ERROR",
        "There should be atleast one participant in from",
        "initiateCall without participants",
    ),
    ErrorRow(
        "FROM_PARTICIPANT_NUMBER_NULL_ERROR",
        "from participant number null error",
        "a participant of initiateCall without participantAddress",
    ),
    ErrorRow(
        "FROM_PARTICIPANT_NUMBER_REGEX_ERROR",
        "from participant number not valid",
        "a participantAddress of initiateCall that isn't 10 digits",
    ),
    ErrorRow(
        "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        "Max retries can't be greater than 3",
        "maxRetries above 3 in initiateCall",
    ),
    ErrorRow(
        "CALLER_ID_NULL_ERROR",
        "caller Id required",
        "no callerId for a participant: neither its own nor its component's nor at the top",
    ),
    ErrorRow(
        "TO_NUMBER_NULL_ERROR",
        "There should be atleast one participant in to",
        "addParticipant without participants",
    ),
    ErrorRow(
        "TO_PARTICIPANT_NUMBER_NULL_ERROR",
        "to participant number null error",
        "a participant of addParticipant without participantAddress",
    ),
    ErrorRow(
        "TO_PARTICIPANT_NUMBER_REGEX_ERROR",
        "to participant number not valid",
        "a participantAddress of addParticipant that isn't 10 digits",
    ),
    ErrorRow(
        "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE",
        "Max retries can't be greater than 3",
        "maxRetries above 3 in addParticipant",
    ),
    ErrorRow(
        "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER",
        "CONFERENCE merging strategy not allowed in toNumber",
        "CONFERENCE in addParticipant",
    ),
    ErrorRow(UNCAUGHT, "2", status=500, layer="UNKNOWN"),
)

ROWS = {row.key: row for row in ERRORS}

# The specification shows a body for 401 only. It is the answer of a gateway in front of the
# service, so other statuses that never reach the service have the same form.
GATEWAY_MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


def gateway_body(status):
    """Return the body of an answer that comes from the gateway, such as 401 (section 2)."""
    return {"message": GATEWAY_MESSAGES[status]}


class RefusedError(Exception):
    """A request that the specification refuses.

    ``row`` is the ErrorRow to answer with. ``reason`` says in plain words what is wrong; it goes to
    the ledger and the log, never into the answer, whose body is exactly the specification's.
    """

    def __init__(self, key, reason):
        super().__init__(reason)
        self.row = ROWS[key]
        self.reason = reason
