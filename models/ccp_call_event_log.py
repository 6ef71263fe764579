import json

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, escape_psql, format_time, split_every

from ..ccp.airtel.reports import kind_and_fingerprint
from ..ccp.safe import number, text
from .utils import RELOAD, format_seconds, notice

# Nobody reads each line of a call with more reports than this
SHOWN_REPORTS = 100
# How many reports that came at once, and how many values that were not understood, are shown
SHOWN_AT_ONCE = 3
NAMED_AT_ONCE = 10
FORGOTTEN_AT_ONCE = 50


class CcpCallEvent(models.Model):
    """The log of reports: what it shows of each, and how calls are repaired from it."""

    _inherit = "ccp.call.event"

    @api.depends("kind", "call_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for event in self:
            event.display_name = kinds.get(event.kind, "")

    @api.depends("payload", "received_at")
    def _compute_summary(self):
        for event, reports in zip(self, self._parsed_each(), strict=True):
            event.summary = "; ".join(
                getattr(self, f"_summary_of_{report.kind}")(report)
                for report in reports[:SHOWN_AT_ONCE]
            )

    @api.depends("payload", "received_at")
    @api.depends_context("lang")
    def _compute_not_understood(self):
        for event, reports in zip(self, self._parsed_each(), strict=True):
            names = [name for report in reports for name in report.not_understood]
            event.not_understood = self._not_understood_sentence(list(dict.fromkeys(names)))

    @api.model
    def _not_understood_sentence(self, names):
        """Return a sentence that names the values of a report that were not understood.

        :param list[str] names: names of fields, as Airtel spelled them
        :rtype: str | bool
        """
        if not names:
            return False
        listed = ", ".join(names[:NAMED_AT_ONCE])
        if len(names) == 1:
            return self.env._("1 value not understood: %s", listed)
        if len(names) > NAMED_AT_ONCE:
            listed = self.env._("%s and others", listed)
        return self.env._(
            "%(count)s values not understood: %(names)s", count=len(names), names=listed
        )

    def _summary_of_event(self, report):
        parts = [report.event_type, report.event, number.mask(report.address)]
        return " ".join(filter(None, [*parts, number.mask_in(report.cause_text)]))

    def _summary_of_api_result(self, report):
        result = self.env._("done") if report.ok else self.env._("failed")
        return " ".join(filter(None, [report.request_type, result, number.mask_in(report.message)]))

    def _summary_of_cdr(self, report):
        parts = [report.overall_status, number.mask_in(report.hangup_cause)]
        if report.talk_seconds is not None:
            parts.insert(
                1,
                self.env._("talked for %s", format_seconds(report.talk_seconds)),
            )
        return ", ".join(filter(None, parts))

    def _summary_of_unreadable(self, report):
        reasons = {
            "empty": self.env._("Empty"),
            "json": self.env._("Not JSON"),
            "not_object": self.env._("JSON, but not a report"),
        }
        return reasons.get(report.reason) or self.env._("A report of an unknown kind")

    @api.depends("call_id.event_ids", "payload", "received_at")
    def _compute_changed(self):
        self.changed = False
        calls = self.call_id.sudo()
        counted = calls._counted_reports()
        for call in calls:
            reports = counted[call].reports[:SHOWN_REPORTS]
            so_far = []
            before = call._derived_values(call._story_of(so_far))
            for report, parsed in zip(reports, reports._parsed_each(), strict=True):
                so_far += parsed
                after = call._derived_values(call._story_of(so_far))
                own = self & report.sudo(self.env.su)
                if own:
                    own.changed = self._change_text(call, before, after)
                before = after

    @api.model
    def _change_text(self, call, before, after):
        """Return in words what changed between two sets of known values of a call.

        :rtype: str | bool
        """
        texts = []
        for name, value in after.items():
            field = call._fields[name]
            if value == before[name] or field.type == "boolean":
                continue
            if field.type == "selection":
                value = dict(field._description_selection(self.env)).get(value, value)
            elif field.type == "datetime" and value:
                value = format_time(self.env, value, time_format="medium")
            texts.append(f"{field._description_string(self.env)}: {value or '–'}")
        return "; ".join(texts) or False

    @api.depends("payload", "call_id")
    @api.depends_context("uid")
    def _compute_pretty_payload(self):
        # Agents see the reports of their own calls, and everybody sees those without a call, so
        # only managers of calls see the numbers in the latter
        sees_all = self._may_see_all_numbers()
        for event in self:
            payload = event.sudo().payload or ""
            content = text.load(payload)
            pretty = (
                text.hide_urls(payload)
                if content is None
                else json.dumps(text.hide_urls(content), indent=2, ensure_ascii=False)
            )
            event.pretty_payload = pretty if sees_all or event.call_id else number.mask_in(pretty)

    def _search_pretty_payload(self, operator, value):
        """Find reports by their text without addresses, which could be guessed letter by letter.

        The same holds for numbers: only managers of calls find reports without a call.
        """
        if operator not in ("ilike", "not ilike", "=ilike", "like", "not like"):
            return NotImplemented
        self.flush_model(["payload"])
        pattern = value if operator == "=ilike" else f"%{escape_psql(value)}%"

        def to_sql(model, alias, query):
            return SQL(
                "regexp_replace(%s, %s, '', 'gi') %s %s",
                SQL.identifier(alias, "payload"),
                text.URL_PATTERN,
                SQL("NOT ILIKE") if operator.startswith("not") else SQL("ILIKE"),
                pattern,
            )

        found = Domain.custom(to_sql=to_sql)
        return found if self._may_see_all_numbers() else found & Domain("call_id", "!=", False)

    @api.model
    def _may_see_all_numbers(self):
        """Return whether the user may see the numbers in reports without a call."""
        return self.env.user.has_group("airtel_ccp.group_ccp_manager")

    # Repair

    def action_fold_again(self):
        """Derive the calls of these reports again; look again for the calls of those without one.

        :return: an action that says how many
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self._check_administrator()
        return self.sudo()._find_calls_again()._fold_again_with_notice()

    def action_replay(self):
        """Process a stored report as if it had just come, and show what that changed.

        :return: an action that shows it
        :rtype: dict
        :raise AccessError: when the user is no administrator
        """
        self.ensure_one()
        self._check_administrator()
        event = self.sudo()
        lost = event.not_understood
        before = self._known(event.call_id)
        call = event._find_calls_again()[:1]
        if not call:
            message = self.env._("This report matches no call: nothing changed.")
        else:
            call._fold_again()
            if call.fold_error:
                message = self.env._(
                    "This call's reports cannot be processed (%s): report this to the developers "
                    "of this addon.",
                    call.fold_error,
                )
            elif self._known(call) != before:
                message = self.env._("The call with %s was brought up to date.", call.customer_name)
            elif event.exists().kind == "unreadable":
                message = self.env._("This report cannot be read: nothing changed.")
            elif lost:
                message = self.env._("Nothing changed.")
            else:
                message = self.env._(
                    "This report says nothing new about the call: nothing changed."
                )
        sentences = [message, f"{lost}." if lost else ""]
        kind = "warning" if lost else "info"
        return notice(" ".join(filter(None, sentences)), kind, then=RELOAD)

    def _find_calls_again(self):
        """Process these reports as if they had just come, and return the calls they are about.

        :rtype: odoo.models.BaseModel
        """
        self._read_kinds_again()
        lost = self.filtered(lambda event: not event.call_id)
        lost.write({"folded": False, "match_date": False})
        matched = lost._match_each()
        return (self.exists() | matched).call_id

    def _read_kinds_again(self):
        """Correct the kind of reports that could not be read when they came.

        Rows of the kind ``decision`` are left alone, and no post becomes one.
        """
        for event in self.filtered(lambda each: each.kind != "decision"):
            kind, _fingerprint = kind_and_fingerprint((event.payload or "").encode())
            if event.kind != kind:
                event.kind = kind

    def _known(self, call):
        """Return what a call's reports say; an empty list for an empty recordset.

        :rtype: list[dict]
        """
        if not call:
            return []
        return call.read([*call._derived_values(call._timeline()), "recording_state"])

    def _check_administrator(self):
        self.check_access("read")
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator may recompute calls from their reports.")
            )

    def _forget_url(self, url):
        """Remove a recording's address from these stored reports: anybody who has it can listen.

        :param str url: the address as it was received
        """
        # In batches: all reports of a call that was flooded need too much memory
        for some in split_every(FORGOTTEN_AT_ONCE, self.ids, self.browse):
            some._forget_url_in_these(url)
            some.flush_recordset()
            some.invalidate_recordset(["payload"])

    def _forget_url_in_these(self, url):
        """Remove a recording's address from a few stored reports; see ``_forget_url``."""
        for event in self:
            payload = without = event.payload or ""
            for spelling in {url, url.replace("/", "\\/")}:
                without = without.replace(spelling, "")
            if any(getattr(each, "recording_url", "") == url for each in event._parsed()):
                # Escaped in another way, such as \u0026 for &
                content = text.load(without)
                if url in text.texts(content):
                    without = json.dumps(text.hide_urls(content), ensure_ascii=False)
            if without != payload:
                event.write({"payload": without, "raw_payload": False})
