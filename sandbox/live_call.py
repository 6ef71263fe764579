"""A call in progress that a POST placed: what it reports (section 3)."""

from . import story as stories
from .cdr import render_cdr, render_other_try
from .posting import CallThread
from .reports import render


class LiveCall(CallThread):
    """Runs one story in a thread of its own.

    :param story: Story
    :param identity: Identity
    :param clock: Clock
    :param plan: list of (call seconds, Moment)
    :param dialect: of the CDR
    :param recording_url: or None
    :param more: what every ``posting.CallThread`` needs
    """

    def __init__(self, *, story, identity, clock, plan, dialect, recording_url, **more):
        super().__init__(session_id=identity.session_id, **more)
        self.story = story
        self.identity = identity
        self.clock = clock
        self.plan = plan
        self.dialect = dialect
        self.recording_url = recording_url

    def _begin(self):
        self._plan_reports(self.plan, self.story.order.callbacks)

    def _payload(self, moment):
        if moment.kind == stories.CDR:
            cdr = render_cdr(
                self.story, self.identity, self.clock, self.dialect, self.recording_url
            )
            return render_other_try(cdr) if moment.event == stories.OTHER_TRY else cdr
        return render(moment, self.story, self.identity, self.clock)

    def _label(self):
        return f"{self.identity.correlation_id[:15]}…"

    def _title(self, moment, name):
        if moment.kind == stories.CDR:
            return "CDR"
        if moment.kind == stories.API_RESULT:
            return "API result"
        if moment.leg:
            return f"{name} (agent)" if moment.leg.role == stories.FROM else f"{name} (customer)"
        return name
