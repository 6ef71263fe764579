"""The stand-in account's data, and the sandbox's options."""

from dataclasses import dataclass

API_PATH = "/v2/execute/workflow"
DEFAULT_PORT = 8270
DEFAULT_FLOWS = ("SANDBOX-FLOW", "c2FuZGJveCtmbG93L2RlbW8=+/=")
DEFAULT_CALLER_NUMBERS = ("8000000001", "8000000002", "1400000001")
DEFAULT_DESK = "7000000909"
DIALECTS = ("display", "camel", "alternate")


@dataclass(frozen=True)
class Settings:
    """The account's data and the sandbox's options; all have defaults.

    - ``host``, ``port``: where to listen; port 0 takes a free one.
    - ``speed``: every wait of a call is divided by it; fractions make calls slower.
    - ``user``, ``password``: Basic authentication (specification 1.1; its own sample by default).
    - ``customer_id``, ``flows``, ``caller_numbers``: the account's data.
    - ``caller_id_required``: whether callerId is required wherever the specification's tables mark
      it so (1.5, 1.6, 1.7, 1.10); the specification's own sample leaves some out.
    - ``agent_pool``: numbers that a round robin component rings in turn, whichever agentPoolId it
      has (the specification describes no pools).
    - ``dialect``: of the CDR: ``display``, ``camel`` or ``alternate`` (from call to call).
    - ``public_url``: the beginning of recording URLs, if it isn't the listening address.
    - ``path``: of the API; any prefix before it is accepted, because real accounts have one.
    - ``seed``: makes ids, tokens and shuffles repeatable.
    - ``callback_attempts``: how often a report is posted at most until it is answered 200.
    - ``callback_pause``: call seconds between two attempts.
    - ``callback_timeout``: real seconds that a receiver may take to answer.
    - ``callback_ca``: file of certificates to trust for https receivers, beside the system's.
    - ``hang_seconds``: real seconds that the script "never answered" keeps a request open.
    - ``max_body``: bytes; a larger request is answered 413.
    - ``route_url``, ``route_header``, ``route_secret``, ``notify_url``, ``notify_header``,
      ``notify_secret``, ``desk_number``: what happens with incoming calls, to whichever Airtel
      number; see ``airtel_numbers.AirtelNumber``.
    - ``most_incoming``: how many incoming calls can be under way at once.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    speed: float = 1.0
    user: str = "demo"
    password: str = "p@55w0rd"
    customer_id: str = "SANDBOX-CUSTOMER"
    flows: tuple = DEFAULT_FLOWS
    caller_numbers: tuple = DEFAULT_CALLER_NUMBERS
    caller_id_required: bool = False
    agent_pool: tuple = ("7000000901", "7000000902")
    dialect: str = "alternate"
    public_url: str | None = None
    path: str = API_PATH
    seed: int | None = None
    callback_attempts: int = 3
    callback_pause: float = 2.0
    callback_timeout: float = 10.0
    callback_ca: str | None = None
    hang_seconds: float = 120.0
    max_body: int = 1024 * 1024
    route_url: str = ""
    route_header: str = ""
    route_secret: str = ""
    notify_url: str = ""
    notify_header: str = ""
    notify_secret: str = ""
    desk_number: str = DEFAULT_DESK
    most_incoming: int = 200

    def __post_init__(self):
        """Refuse invalid settings.

        :raises ValueError: with a sentence that names the setting
        """
        # A NaN compares false with everything, so check what is allowed instead of what isn't.
        if not 0 < self.speed < float("inf"):
            raise ValueError("The speed must be a number above 0.")
        if self.dialect not in DIALECTS:
            raise ValueError(f"The dialect must be one of {', '.join(DIALECTS)}.")
        if not 0 <= self.port <= 65535:
            raise ValueError("The port must be between 0 and 65535.")
        if not self.path.startswith("/"):
            raise ValueError("The path must begin with a slash.")
        if not self.agent_pool:
            raise ValueError("The agent pool needs at least one number.")
        if self.callback_attempts < 1:
            raise ValueError("A report needs at least one attempt.")
        if self.most_incoming < 1:
            raise ValueError("At least one incoming call must be possible.")
