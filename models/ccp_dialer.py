import dataclasses

from odoo import api, models
from odoo.exceptions import UserError

from ..ccp.safe import number, text
from .base import shown, unlogged
from .remedy import is_house_rule, refusal
from .res_company_calling import Account

SECRET_HEADER = "X-Airtel-Ccp-Secret"
MAX_REASON = 200
# The fields of company and people that the checks use, to be read in one statement each.
# Otherwise Odoo reads all columns, and those that depend on the company one by one.
COMPANY_FIELDS = (
    "partner_id",
    "currency_id",
    "ccp_api_path",
    "ccp_base_url",
    "ccp_calendar_id",
    "ccp_company_daily_limit",
    "ccp_customer_id",
    "ccp_daily_limit",
    "ccp_flow_id",
    "ccp_notify_base_url",
    "ccp_number_daily_limit",
    "ccp_pause_seconds",
    "ccp_recording_policy",
    "ccp_require_outcome",
    "ccp_secret_password",
    "ccp_trial",
    "ccp_trial_url",
    "ccp_username",
)
CONTACT_FIELDS = ("active", "company_id", "name", "complete_name", "phone", "lang", "tz")
AGENT_FIELDS = (
    "partner_id",
    "sale_team_id",
    "ccp_phone",
    "ccp_second_phone",
    "ccp_further_phones",
    "ccp_flow_id",
    "ccp_caller_number",
)


@dataclasses.dataclass(frozen=True)
class Options:
    """The rep's choices besides the number; see ``ccp.call.place``."""

    record: bool | None = None
    """Whether to record the call, if the call flow leaves that to the rep."""
    company_id: int = 0
    """The company that places the call, if the record has no company."""
    override_reason: str = ""
    """The reason to call despite a house rule, if the user has the right to."""
    confirmed_number: str = ""
    """The ten digits of a doubtful number that the rep confirmed to be Indian."""
    activity_id: int = 0
    """The planned activity whose Call button was clicked."""
    callback_id: int = 0
    """The call-back that the call answers."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A call that passed every check, with everything needed to place it."""

    company: object
    account: Account
    flow: object
    partner: object
    sales_values: dict
    customer_name: str
    agent_numbers: tuple
    customer_numbers: tuple
    caller_number: str
    recorded: bool
    pause: int
    has_caps: bool
    overridden: str
    override_reason: str
    activity: object
    callback_id: int


class CcpDialer(models.AbstractModel):
    """Prepares a call: asks the rep what is missing, runs the checks, and decides what to dial.

    ``ccp.call._dial`` then commits the call's row and asks Airtel.
    """

    _name = "ccp.dialer"
    _description = "Places calls through Airtel CCP"

    @api.model
    def _read_options(self, values):
        """Return a browser's options, checked.

        :param values: a dict whose keys are fields of ``Options``; anything else is dropped
        :rtype: Options
        """
        values = values if isinstance(values, dict) else {}
        return Options(
            **{
                field.name: values[field.name]
                for field in dataclasses.fields(Options)
                if field.name in values and isinstance(values[field.name], field.type)
            }
        )

    # Checks, cheapest first

    def _plan(self, record, field_name, choice, options):
        """Run every check on this call, and return what to dial.

        :raise UserError: with one sentence about the first check that fails
        :raise AccessError: when the user may not call, or may not read the record
        """
        self.env.user._ccp_check_may_call()
        user = self.env.user
        if not record:
            raise UserError(
                self.env._("There is nobody to call: the record does not exist any more.")
            )
        record.ensure_one()
        record._ccp_check_readable()
        company = record._ccp_company(options.company_id)
        company.sudo().fetch(COMPANY_FIELDS)
        company._ccp_check_set_up()
        account = company._ccp_account()
        self._read_people(record, company)
        sales_values = record._ccp_sales_values(company)
        flow = self._flow(company, sales_values["team_id"])
        agent_numbers = self._agent_numbers(user, flow)
        partner = record._ccp_contact()
        customer_numbers = self._customer_numbers(
            record, field_name, choice, company, flow, options.confirmed_number
        )
        if set(customer_numbers) & set(agent_numbers):
            raise UserError(
                self.env._(
                    "This is your own phone: Airtel cannot connect it with itself. Choose "
                    "another number."
                )
            )
        pause = self._pause(company, account)
        self._check_lines(user, agent_numbers, customer_numbers, pause)
        reason = text.clean(options.override_reason, MAX_REASON)
        overridden = ""
        is_exempt = self._is_exempt(record, account)
        if not is_exempt:
            self._check_outcome(user, company)
            overridden = self._check_rules(user, company, flow, customer_numbers, reason)
        return Plan(
            company=company,
            account=account,
            flow=flow,
            partner=partner,
            sales_values=sales_values,
            customer_name=record._ccp_customer_name(partner),
            agent_numbers=agent_numbers,
            customer_numbers=customer_numbers,
            caller_number=(
                (not account.is_trial and user.sudo().with_company(company).ccp_caller_number)
                or flow.caller_number
            ),
            recorded=flow._is_recorded(options.record),
            pause=pause,
            has_caps=not is_exempt and not overridden and self._has_caps(company),
            overridden=overridden,
            override_reason=reason if overridden else "",
            activity=record._ccp_activity_to_tick(options.activity_id),
            callback_id=options.callback_id,
        )

    def _read_people(self, record, company):
        """Fetch the agent and the contacts that the checks read, in one statement each.

        :param record: the record that is called
        :param company: the ``res.company`` that places the call
        """
        user = self.env.user.sudo().with_company(company)
        user.fetch(AGENT_FIELDS)
        own = user.partner_id | company.sudo().partner_id
        contact = record._mail_get_partners()[record.id][:1].sudo()
        (contact | own).fetch(CONTACT_FIELDS)

    def _flow(self, company, team_id):
        """Return the flow that runs a call of this company.

        :param company: the ``res.company`` that places the call
        :param team_id: the id of the ``crm.team`` that the call counts for, or False
        :raise UserError: when the user may use no call flow
        """
        return company._ccp_flow_for(self.env.user, self.env["crm.team"].browse(team_id))

    # Questions to the rep

    @api.model
    def _companies(self, record, options):
        """Return the companies among which the rep must choose, or the only one.

        They are active in the browser and configured; the current one comes first.

        :param record: the record that was clicked
        :param Options options: what the rep chose already
        :return: ``res.company``; empty if the record or the rep determines the company
        :raise AccessError: when the user may not read the record
        """
        record._ccp_check_readable()
        if not record or options.company_id or record._ccp_own_company():
            return self.env["res.company"]
        companies = self.env.companies.filtered(lambda company: not company._ccp_obstacle())
        if len(companies) < 2:
            return companies
        return companies.filtered(lambda company: self._has_flow(record, company))

    def _has_flow(self, record, company):
        """Return whether a company has a call flow that the user may call a record with.

        :param record: the record that is called
        :param company: the ``res.company`` that would place the call
        :rtype: bool
        """
        team = self.env["crm.team"].browse(record._ccp_sales_values(company)["team_id"])
        flows = company._ccp_flows_in_line(self.env.user, team)
        return any(flow._may_use(self.env.user) for flow in flows)

    @api.model
    def _questions(self, record, choices, options):
        """Return the questions that the rep must answer before a call can be placed.

        :param record: the record that was clicked
        :param list[dict] choices: the numbers among which the rep still has to choose
        :param Options options: what the rep chose already
        :return: ``choices``, if there are several, and ``record`` (``default``: whether the
            flow records unless the rep says otherwise, ``announced``: whether it announces that),
            if the flow leaves recording to the rep; empty if nothing is missing
        :rtype: dict
        :raise UserError: when the user may use no call flow
        """
        questions = {"choices": choices} if len(choices) > 1 else {}
        if record and options.record is None:
            company = record._ccp_company(options.company_id)
            flow = None
            if not company._ccp_missing_settings():
                flow = self._flow(company, record._ccp_sales_values(company)["team_id"])
            if flow and flow._recording_mode() == "choice":
                questions["record"] = {
                    "default": flow.recording,
                    "announced": flow.announces_recording,
                }
        return questions

    @api.model
    def _override_question(self, error):
        """Return the question for the reason to override a house rule, or None.

        :param odoo.exceptions.UserError error: why no call was placed
        :rtype: dict | None
        """
        if is_house_rule(error) and self._may_override():
            return {"override": {"sentence": error.args[0]}}
        return None

    def _agent_number(self, phone):
        """Return the ten digits of one of the user's own phones.

        :param str | bool phone: as it was entered
        :raise UserError: when there is none, or Airtel cannot ring it
        """
        if not phone:
            raise self._own_phone_refusal(
                self.env._(
                    "Airtel rings your own phone first, but Odoo does not have its number: enter "
                    "it under My Preferences > Calls."
                ),
                self.env._(
                    "Airtel rings your own phone first, but Odoo does not have its number: ask "
                    "your administrator to enter it."
                ),
            )
        try:
            return number.read(phone)
        except number.NumberError as error:
            error_of_phone = self._own_phone_refusal(
                self.env._(
                    "Airtel cannot ring your own phone %s: enter one Indian number of ten digits "
                    "under My Preferences > Calls.",
                    shown(phone),
                ),
                self.env._(
                    "Airtel cannot ring your own phone %s: ask your administrator to correct it.",
                    shown(phone),
                ),
            )
            raise unlogged(error_of_phone) from error

    def _own_phone_refusal(self, for_owner, for_others):
        """Return the error to raise if a click cannot ring the agent's own phone.

        :param str for_owner: the sentence for agents who can change their phones themselves
        :param str for_others: the sentence for agents whose company reserves that to administrators
        :rtype: odoo.exceptions.UserError
        """
        if self.env.user.ccp_phones_reserved:
            return UserError(for_others)
        return refusal(for_owner, opens="preferences")

    # Sending

    def _request_body(self, plan, token, header):
        """Return the body of the POST (specification 1.3 to 1.10).

        :raise UserError: when the flow holds something that Airtel would refuse
        """
        try:
            return plan.flow._request_body(
                customer_id=plan.account.customer_id,
                agent_numbers=plan.agent_numbers,
                customer_numbers=plan.customer_numbers,
                caller_number=plan.caller_number,
                notify_url=plan.company._ccp_notify_url(token),
                headers={SECRET_HEADER: header},
                record=plan.recorded,
            )
        except ValueError as error:
            raise UserError(
                self.env._(
                    "Call flow %(flow)s contains something that Airtel would refuse (%(reason)s): "
                    "ask your administrator to check it in Settings > Airtel CCP.",
                    flow=plan.flow.name,
                    reason=str(error),
                )
            ) from error
