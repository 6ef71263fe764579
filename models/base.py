import logging

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import sql

from ..ccp.safe import number
from ..ccp.safe import text as untrusted
from .remedy import refusal

MAX_SHOWN = 40
# The largest id that a PostgreSQL integer holds; a search for a larger one fails
MAX_ID = 2**31 - 1
# These models have phones too, but of colleagues and shoppers, whom reps don't call
NOT_CALLED = ("hr.employee", "hr.employee.public", "res.users", "payment.transaction")


def unlogged(error):
    """Keep Odoo's server from logging an error whose sentence shows a number in full.

    A subclass would not do: browsers recognise errors by the names of their classes.

    :param odoo.exceptions.UserError error: what the user reads
    :rtype: odoo.exceptions.UserError
    """
    error.loglevel = logging.NOTSET
    return error


def shown(text):
    """Return text that somebody typed as a number, cleaned and cut for use in a sentence."""
    return untrusted.clean(text, MAX_SHOWN) if text else ""


def doubt_question(error):
    """Return the question "is this number Indian?" that an error carries, None if it has none.

    :param odoo.exceptions.UserError error: why no call was placed
    :return: ``{"doubtful": {"sentence": str, "number": str}}``
    :rtype: dict | None
    """
    return getattr(error, "doubt_question", None)


class Base(models.AbstractModel):
    """What a call needs to know of any record: its numbers, contact, company, team and country."""

    _inherit = "base"

    @api.model
    def _ccp_records(self, res_model, res_ids):
        """Return the records that a client names, without those that do not exist.

        :param res_model: a model's name; an empty result for anything else
        :param list res_ids: the records' ids; anything else in it is ignored
        :return: an empty recordset of ``base`` when there is no such model with a table
        :rtype: odoo.models.BaseModel
        """
        model = self.env.get(res_model) if isinstance(res_model, str) else None
        if model is None or model._abstract:
            return self.env["base"]
        has_no_query = not model._auto and not model._table_query
        if has_no_query and not sql.table_kind(self.env.cr, model._table):
            return self.env["base"]
        ids = [each for each in res_ids if type(each) is int and 0 < each <= MAX_ID]
        return model.browse(ids).exists()

    @api.model
    def _ccp_phone_fields(self):
        """Return the names of the phone fields that have a Call button.

        :rtype: list[str]
        """
        if self._name in NOT_CALLED:
            return []
        return [name for name in self._phone_get_number_fields() if name in self._fields]

    def _ccp_contact(self):
        """Return the record's contact; empty if there is no contact or the user may not read it."""
        if self._name == "res.partner":
            return self
        contact = self._mail_get_partners()[self.id][:1]
        return contact if contact.has_access("read") else contact.browse()

    def _ccp_own_company(self):
        """Return the record's company; empty if it has none or the user does not work for it.

        :rtype: odoo.models.BaseModel
        """
        company = self.sudo().company_id if "company_id" in self._fields else None
        known = company and company.id in self.env.user._get_company_ids()
        return company.sudo(False) if known else self.env["res.company"]

    def _ccp_company(self, chosen_id=0):
        """Return the company that places a call on this record.

        The record's own company, else the one that the rep chose, else the user's current one.

        :param int chosen_id: the id of the company that the rep chose, 0 if none
        :rtype: odoo.models.BaseModel
        :raise UserError: when the rep chose a company that the user does not work for
        """
        company = self._ccp_own_company()
        if company or not chosen_id:
            return company or self.env.company
        if chosen_id not in self.env.user._get_company_ids():
            raise UserError(
                self.env._(
                    "You do not work for the company that you chose: call again and choose "
                    "another one."
                )
            )
        return self.env["res.company"].browse(chosen_id)

    def _ccp_sales_values(self, company, agent=None):
        """Return the lead and the sales team that a call on this record counts for.

        The record's team if the agent belongs to it, else the agent's own, else the record's;
        never a team of another company.

        :param company: the ``res.company`` that places the call
        :param agent: the ``res.users`` who calls, empty if unknown; by default the current
            user
        :return: ``lead_id`` and ``team_id``
        :rtype: dict
        """
        user = (self.env.user if agent is None else agent).sudo()
        memberships = self.env["crm.team.member"].sudo()
        own = memberships.search_fetch(
            [
                ("user_id", "=", user.id),
                ("crm_team_id.company_id", "in", (False, company.id)),
            ],
            ["crm_team_id"],
        ).crm_team_id
        team = own.browse()
        team_field = self._fields.get("team_id")
        if team_field and team_field.comodel_name == own._name:
            team = self.sudo().team_id
        # One statement for both, and only the columns that a call needs
        (team | own).with_company(company).fetch(["company_id", "ccp_flow_id"])
        if team not in own:
            team = (
                (user.sale_team_id & own)
                or own[:1]
                or team.filtered(lambda each: each.company_id <= company)
            )
        return {
            "lead_id": self.id if self._name == "crm.lead" else False,
            "team_id": team.id,
        }

    def _ccp_person(self, contact):
        """Return the name to call this record by: a person's name rather than a lead's title.

        :param contact: the record's contact, see ``_ccp_contact``
        :rtype: str
        """
        for field_name in ("contact_name", "partner_name"):
            if self._fields.get(field_name) and self[field_name]:
                return self[field_name]
        return contact.name or self.display_name

    def _ccp_customer_name(self, contact):
        """Return the customer's name for a call: a contact with its company, else the person.

        :param contact: the record's contact, see ``_ccp_contact``
        :rtype: str
        """
        return self.display_name if self == contact else self._ccp_person(contact)

    def _ccp_check_readable(self):
        """Check that the user may read a record, and refuse in words that an agent understands.

        Odoo's own message names the model, the operation and ids.

        :raise AccessError: when the user may not
        """
        if not self.has_access("read"):
            raise AccessError(
                self.env._(
                    "You may not see this record: ask its owner or your administrator for access."
                )
            )

    def _ccp_check_named(self, field_name):
        """Check that the user may read the records to which a field of these records links.

        Odoo shows a linked record's name to everybody who sees the link, and ids can be guessed.

        :param str field_name: a field that leads to another record
        :raise AccessError: when the user may not
        """
        # Odoo runs constraints with superuser rights
        for record in self.sudo(False):
            named = record[field_name]
            if named:
                named._ccp_check_readable()

    def _ccp_activity_to_tick(self, activity_id):
        """Return the planned call that a click named, if a call of this user may mark it done.

        Not an activity of a colleague, one that is already done or deleted, or one of another
        record, which only a forged request names.

        :param int activity_id: what the browser sent; 0 if no activity was clicked
        :return: one ``mail.activity`` or an empty recordset
        :rtype: odoo.models.BaseModel
        """
        activities = self.env["mail.activity"]
        if isinstance(activity_id, bool) or not 0 < activity_id <= MAX_ID:
            return activities
        activity = activities.search(
            [
                ("id", "=", activity_id),
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("user_id", "in", (False, self.env.uid)),
            ]
        )
        return activity if activity.activity_category == "phonecall" else activity.browse()

    def _ccp_open_calls(self, domain):
        """Return the action that opens some of the calls of this record.

        :param odoo.fields.Domain domain: the calls
        :rtype: dict
        :raise AccessError: when the user may not see calls at all
        """
        return self.env["ccp.call"]._list_action(domain)

    def _ccp_call_action(self, field_name=None):
        """Return the action with which the browser calls this record.

        :param str | None field_name: the phone field; by default the rep chooses among all numbers
        :rtype: dict
        """
        return {
            "type": "ir.actions.client",
            "tag": "airtel_ccp.call",
            "params": {
                "res_model": self._name,
                "res_id": self.id,
                "field_name": field_name or False,
            },
        }

    def _ccp_country(self):
        """Return the country of a record, or of its contact when the user may read that.

        :rtype: odoo.models.BaseModel
        """
        contacts = self._mail_get_partners()[self.id]
        if self._name == "res.partner" or contacts.has_access("read"):
            country = self._phone_get_country().get(self.id)
        else:
            name = self._phone_get_country_field()
            country = self[name] if name else None
        return country or self.env["res.country"]

    def _ccp_countries(self, company, text):
        """Return the countries whose dialling rules apply to a number of this record.

        :param company: the ``res.company`` that places the call
        :param str text: the number as it is written
        :rtype: ccp.safe.number.Countries
        """
        if number.names_india(text):
            return number.INDIA
        company = company.sudo()
        return number.Countries(
            account=company.ccp_number_country_id.code or "",
            company=company.country_id.code or "",
            contact=self._ccp_country().code or "",
        )

    def _ccp_first_number(self, names):
        """Return the first value among these fields that is not empty."""
        values = self.read(names)[0] if names else {}
        return next((values[name] for name in names if values[name]), "")

    def _ccp_number(self, company, field_name=None):
        """Read the number to dial from a phone field of this record.

        :param company: the ``res.company`` that places the call
        :param str | None field_name: the phone field; by default the first one of the record that
            has a value, else of its contact
        :rtype: ccp.safe.number.Reading
        :raise UserError: when there is no number that can be dialled
        """
        allowed = self._ccp_phone_fields()
        if field_name is not None and field_name not in allowed:
            raise UserError(
                self.env._("Only a phone field can be called: choose one of the record's numbers.")
            )
        owner = self
        text = self._ccp_first_number([field_name] if field_name else allowed)
        if not text and not field_name:
            contact = self._ccp_contact().filtered("active")
            if contact:
                owner = contact
                text = contact._ccp_first_number(contact._ccp_phone_fields())
        try:
            return number.interpret(text, owner._ccp_countries(company, text))
        except number.NumberError as error:
            sentence = self._ccp_number_sentence(error.reason, text)
            values = {"res_model": self._name, "res_id": self.id}
            raise unlogged(refusal(sentence, opens="record", **values)) from error

    def _ccp_numbers(self, company, field_name=None):
        """Return every number that a click on this record may mean, each number once.

        These are the record's own numbers, those of its contact, and those of the contact's company
        and people, if they are active and the user may read them.

        :param company: the ``res.company`` that places the call
        :param str | None field_name: only the numbers in this field
        :return: by key: dicts with ``owner``, ``label`` (the field), ``phone`` (readable),
            ``digits`` and ``doubt`` (see ``ccp.safe.number.Reading``)
        :rtype: dict[str, dict]
        """
        owners = [self]
        if not field_name:
            contact = self._ccp_contact()
            people = contact.parent_id.filtered(lambda parent: parent.has_access("read"))
            people |= contact.child_ids._filtered_access("read")
            owners += [each for each in (*contact, *people) if each.active and each != self]
        found = {}
        seen = set()
        for owner in owners:
            names = [name for name in owner._ccp_phone_fields() if field_name in (None, name)]
            for name, text in (owner.read(names)[0] if names else {}).items():
                if name == "id" or not text:
                    continue
                readings = number.readings(text, owner._ccp_countries(company, text))
                for position, (digits, doubt) in enumerate(readings):
                    if digits in seen:
                        continue
                    seen.add(digits)
                    found[f"{owner._name},{owner.id},{name},{position}"] = {
                        "owner": owner.display_name,
                        "label": owner._fields[name]._description_string(self.env),
                        "phone": f"{digits[:5]} {digits[5:]}",
                        "digits": digits,
                        "doubt": doubt,
                    }
        return found

    def _ccp_number_choices(self, company, field_name=None):
        """Return the numbers a user may choose from, the one that connected last comes first.

        :param company: the ``res.company`` that places the call
        :param str | None field_name: only the numbers in this field
        :return: dicts with ``key``, ``owner``, ``label`` (the field) and ``phone`` (readable)
        :rtype: list[dict]
        :raise AccessError: when the user may not read the record
        """
        if not self:
            return []
        self.check_access("read")
        numbers = self._ccp_numbers(company, field_name)
        last = {
            digits: last_id
            for digits, last_id in self.env["ccp.call"]._read_group(
                [
                    ("customer_number", "in", [each["digits"] for each in numbers.values()]),
                    ("result", "=", "connected"),
                ],
                ["customer_number"],
                ["id:max"],
            )
        }
        ordered = sorted(numbers.items(), key=lambda item: -last.get(item[1]["digits"], 0))
        return [
            {"key": key, "owner": each["owner"], "label": each["label"], "phone": each["phone"]}
            for key, each in ordered
        ]

    def _ccp_check_doubt(self, digits, doubt, confirmed):
        """Refuse a doubtful number until the user confirmed that it is Indian.

        :param str digits: the ten digits
        :param str doubt: see ``ccp.safe.number.Reading``
        :param str confirmed: the number that the user confirmed, if any
        :raise UserError: with the question, see ``doubt_question``
        """
        if not doubt or digits == confirmed:
            return
        country = self.env["res.country"].sudo().search([("code", "=", doubt)], limit=1)
        sentence = self.env._(
            "Is %(number)s the right number of %(name)s? It has no country code and may belong to "
            "another country (%(country)s). If you write +91 in front of it, Odoo does not ask "
            "again.",
            number=f"+91 {digits[:5]} {digits[5:]}",
            name=self.display_name,
            country=country.name or doubt,
        )
        error = unlogged(UserError(sentence))
        error.doubt_question = {"doubtful": {"sentence": sentence, "number": digits}}
        raise error

    def _ccp_number_sentence(self, reason, text):
        """Return why a phone field cannot be dialled, and how to correct it."""
        _ = self.env._
        sentences = {
            "empty": _("%(name)s has no phone number: enter one, then call again."),
            "several": _(
                "The phone field of %(name)s contains more than one number (%(phone)s): keep one "
                "there, then call again."
            ),
            "extension": _(
                "%(phone)s has an extension, which Airtel cannot dial: enter a direct number for "
                "%(name)s."
            ),
            "foreign": _(
                "%(phone)s is not an Indian number, and Airtel connects Indian numbers only: "
                "enter an Indian number for %(name)s."
            ),
            "not_dialable": _(
                "%(phone)s is a service number, not the phone of a person: enter another number "
                "for %(name)s."
            ),
            "spreadsheet": _(
                "A spreadsheet has cut the number of %(name)s to %(phone)s: enter it again, with "
                "all its digits."
            ),
        }
        sentence = sentences.get(reason) or _(
            "%(phone)s is not a complete Indian phone number: correct the number of %(name)s, "
            "then call again."
        )
        return sentence % {"name": self.display_name, "phone": shown(text)}
