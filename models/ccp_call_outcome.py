import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_list

from .noted_settings import NotedRecords
from .own_records import OwnRecords

_logger = logging.getLogger(__name__)


class CcpCallOutcome(NotedRecords, OwnRecords, models.Model):
    """What an agent says came of a call, and what Odoo does because of it."""

    _name = "ccp.call.outcome"
    _description = "Call Outcome"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    company_id = fields.Many2one("res.company", help="Leave empty to offer it in every company.")
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        "Schedule an activity",
        help="Plan this activity for the agent on the record that was called.",
    )
    activity_days = fields.Integer("After (days)", default=1)
    stage_id = fields.Many2one(
        "crm.stage",
        "Move the lead to",
        help="Only for calls on leads and opportunities whose sales team has this stage.",
    )
    stage_team_ids = fields.Many2many(related="stage_id.team_ids", string="Stage's sales teams")
    lost_reason_id = fields.Many2one(
        "crm.lost.reason",
        "Mark the lead lost because",
        help="Only for calls on leads and opportunities.",
    )
    blacklist = fields.Boolean(
        "Never call this number again",
        help="Put the customer's numbers on the phone blacklist. The agent who chooses this "
        "outcome must confirm it first.",
    )

    _activity_days_positive = models.Constraint(
        "CHECK(activity_days >= 0)", "An activity cannot be planned for the past."
    )

    @api.model
    def _offered(self, company):
        """Return the outcomes that a company offers, as superuser.

        :param company: one ``res.company``
        :rtype: odoo.models.BaseModel
        """
        return self.sudo().search([("company_id", "in", (False, company.id))])

    def _apply(self, call):
        """Do what the administrator configured for this outcome, with the user's own rights.

        If one step is refused, the others are still done.

        :param call: the ``ccp.call`` that got this outcome
        :return: sentences about what was done that the record does not show, and about what could
            not be done
        :rtype: tuple[list[str], list[str]]
        """
        self.ensure_one()
        outcome = self.sudo()
        record = call.with_user(self.env.user)._record()
        failed = []
        if record and outcome.activity_type_id and hasattr(record, "activity_schedule"):
            failed += self._attempt(
                self.env._("the activity %s", outcome.activity_type_id.name),
                record,
                lambda: outcome._plan(call, record),
            )
        if record and record._name == "crm.lead":
            if outcome.stage_id:
                failed += outcome._move(record)
            if outcome.lost_reason_id:
                failed += self._attempt(
                    self.env._("marking the lead lost"),
                    record,
                    lambda: record.action_set_lost(lost_reason_id=outcome.lost_reason_id.id),
                )
        done = []
        if outcome.blacklist:
            done, missing = outcome._blacklist(call)
            failed += missing
        return done, failed

    def _attempt(self, what, record, act):
        """Do one thing on a record; if that is refused, return a sentence that agents understand.

        :param str what: what is done, in words
        :param record: the record
        :param act: a function without arguments
        :return: the sentence, if any
        :rtype: list[str]
        """
        try:
            with self.env.cr.savepoint():
                act()
        except AccessError:
            _logger.info("User %s may not do what follows from an outcome", self.env.uid)
            return [
                self.env._(
                    "The outcome is saved, but %(what)s could not be done: you may not change "
                    "%(record)s, so ask somebody who may, or your administrator.",
                    what=what,
                    record=record.sudo().display_name,
                )
            ]
        except UserError as error:
            return [
                self.env._(
                    "The outcome is saved, but %(what)s could not be done: %(reason)s",
                    what=what,
                    reason=error.args[0],
                )
            ]
        return []

    def _plan(self, call, record):
        """Plan this outcome's activity, unless the call has planned it already."""
        if self._planned_for(call):
            return
        call.with_user(record.env.user)._plan_activity(
            record,
            note=call.note or "",
            activity_type_id=self.activity_type_id.id,
            date_deadline=fields.Date.context_today(record) + timedelta(days=self.activity_days),
            user_id=(call.user_id or record.env.user).id,
            summary=self.name if call._is_open_on(record) else False,
        )

    def _planned_for(self, call):
        """Return the activities that this outcome planned for a call.

        :param call: the ``ccp.call`` that has, or had, this outcome
        :rtype: odoo.models.BaseModel
        """
        kind = self.activity_type_id
        # On a record that is shared with other companies the summary is that of the activity's type
        summaries = (self.name, kind.summary, False)
        planned = call.planned_activity_ids.exists() - call.follow_up_id
        return planned.filtered(
            lambda activity: activity.activity_type_id == kind and activity.summary in summaries
        )

    def _move(self, lead):
        """Move a lead to this outcome's stage, if the lead's sales team has that stage.

        :return: a sentence if the lead stays where it is
        :rtype: list[str]
        """
        stage, team = self.stage_id, lead.sudo().team_id
        if stage.team_ids and team not in stage.team_ids:
            return [
                self.env._(
                    "The outcome is saved, but the lead stays in its stage: its sales team has no "
                    "stage %(stage)s. Your administrator can correct the outcome %(outcome)s.",
                    stage=stage.name,
                    outcome=self.name,
                )
            ]
        return self._attempt(
            self.env._("moving the lead to %s", stage.name),
            lead,
            lambda: lead.write({"stage_id": stage.id}),
        )

    # Never call again

    @api.model
    def _listed(self, call):
        """Return the phone blacklist's entries for a call's numbers, active or not.

        :rtype: odoo.models.BaseModel
        """
        entries = self.env["phone.blacklist"].sudo().with_context(active_test=False)
        numbers = [f"+91{each}" for each in call._customer_numbers()]
        return entries.search([("number", "in", numbers)]) if numbers else entries

    @api.model
    def _as_written(self, number):
        """Return an Indian number as people write it.

        :param str number: ten digits, with or without +91
        :rtype: str
        """
        digits = number[-10:]
        return f"{digits[:5]} {digits[5:]}"

    def _blacklist_question(self, call):
        """Return the question before this outcome blacklists, "" if all numbers are listed already.

        :param call: the ``ccp.call`` that is to get this outcome
        :rtype: str
        """
        listed = set(self._listed(call).filtered("active").mapped("number"))
        new = [each for each in call._customer_numbers() if f"+91{each}" not in listed]
        if not new:
            return ""
        return self.env._(
            "Never call %(numbers)s again? Nobody can call there through Airtel until this "
            "outcome is removed.",
            numbers=format_list(self.env, [self._as_written(each) for each in new]),
        )

    def _blacklist(self, call):
        """Put a call's numbers on the blacklist; the call stores which entries it added.

        :return: sentences about what was done, and about what was not
        :rtype: tuple[list[str], list[str]]
        """
        numbers = call._customer_numbers()
        if not numbers:
            return [], [
                self.env._(
                    "Nothing was blacklisted, because this call has no number: put the customer's "
                    "number on the phone blacklist yourself."
                )
            ]
        before = self._listed(call).filtered("active")
        others = call._others_blacklisted(before)
        entries = (
            self.env["phone.blacklist"]
            .sudo()
            ._add(
                [f"+91{each}" for each in numbers],
                message=self.env._(
                    "%(agent)s chose the outcome: %(outcome)s",
                    agent=self.env.user.name,
                    outcome=self.name,
                ),
            )
        )
        call.blacklist_ids = entries.filtered(lambda each: each not in before or each in others)
        return [
            self.env._("%s will not be called again.", self._as_written(each)) for each in numbers
        ], []

    def _take_back(self, call):
        """Take a call's numbers off the blacklist, if no other call's outcome put them there.

        :param call: the ``ccp.call`` that had this outcome
        :return: sentences about what was done
        :rtype: list[str]
        """
        if not self.blacklist:
            return []
        own = call.blacklist_ids.with_context(active_test=False)
        call.blacklist_ids = False
        free = (own - call._others_blacklisted(own)).filtered("active")
        if free:
            free._remove(
                free.mapped("number"),
                message=self.env._(
                    "%(agent)s removed the outcome: %(outcome)s",
                    agent=self.env.user.name,
                    outcome=self.name,
                ),
            )
        stays = self._listed(call).filtered("active")
        return [
            self.env._("%s can be called again.", self._as_written(each.number)) for each in free
        ] + [
            self.env._(
                "%s stays on the phone blacklist: it is there for other reasons too.",
                self._as_written(each.number),
            )
            for each in stays
        ]

    def _left_by(self, call):
        """Return a sentence about effects of this outcome that are not undone, if there are any.

        :param call: the ``ccp.call`` that had this outcome
        :rtype: list[str]
        """
        record = call._record()
        left = [
            self.env._("the activity %s", activity.summary or activity.activity_type_id.name)
            for activity in self._planned_for(call).filtered("active")
        ]
        if record and record._name == "crm.lead":
            if self.stage_id and record.stage_id == self.stage_id:
                left.append(self.env._("the lead's stage %s", self.stage_id.name))
            if self.lost_reason_id and record.lost_reason_id == self.lost_reason_id:
                left.append(self.env._("the lead's mark as lost"))
        if not left:
            return []
        return [
            self.env._(
                "Changes by the outcome %(outcome)s are kept: %(what)s. Correct them on the "
                "record if they are wrong.",
                outcome=self.name,
                what=", ".join(left),
            )
        ]
