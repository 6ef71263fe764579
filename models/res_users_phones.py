from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..ccp.airtel import caller_id
from ..ccp.safe import number
from .base import shown, unlogged

MAX_FURTHER_PHONES = 8
PHONES = ("ccp_phone", "ccp_second_phone")
OWN_PHONES = (*PHONES, "ccp_further_phones")
LOGGED = ("ccp_phones_date", "ccp_phones_by_id")


class ResUsers(models.Model):
    """Agents' phones: their form, who has which, who may change them, and who did.

    Airtel rings any number that is stored here, at the company's cost.
    """

    _inherit = "res.users"

    ccp_phones_reserved = fields.Boolean(
        "Phones are set by administrators",
        compute="_compute_ccp_phones_reserved",
        compute_sudo=True,
    )
    ccp_phones_date = fields.Datetime(
        "Phones changed", copy=False, readonly=True, groups="base.group_system"
    )
    ccp_phones_by_id = fields.Many2one(
        "res.users",
        "Phones changed by",
        copy=False,
        readonly=True,
        ondelete="set null",
        groups="base.group_system",
    )

    @api.depends("company_ids.ccp_reserve_phones", "group_ids")
    def _compute_ccp_phones_reserved(self):
        administrators = self.env.ref("base.group_system").sudo().all_user_ids
        for user in self:
            is_reserved = any(user.company_ids.mapped("ccp_reserve_phones"))
            user.ccp_phones_reserved = is_reserved and user._origin not in administrators

    def _has_field_access(self, field, operation):
        """Forbid everybody to write who changed phones, and when; extends Odoo's ORM."""
        is_logged = operation == "write" and field.name in LOGGED and not self.env.su
        return not is_logged and super()._has_field_access(field, operation)

    @api.model_create_multi
    def create(self, vals_list):
        """Create users; phones and caller number get ten digits, and their author is stored.

        :raise ValidationError: for a phone that Airtel cannot ring, that another user has, or that
            must not be rung
        """
        users = super().create([self._ccp_clean(vals) for vals in vals_list])
        users._ccp_take_phones({})
        return users

    def write(self, vals):
        """Write users; phones and caller number get ten digits, and their author is stored.

        :raise AccessError: when only administrators may change phones
        :raise ValidationError: for a phone that Airtel cannot ring, that another user has, or that
            must not be rung
        """
        vals = self._ccp_clean(vals)
        if vals.keys().isdisjoint((*OWN_PHONES, "active")):
            return super().write(vals)
        self._ccp_check_may_change_phones(vals)
        before = {user.id: user._ccp_own_numbers() for user in self}
        back = self.sudo().filtered(lambda user: not user.active) if vals.get("active") else ()
        result = super().write(vals)
        for user in back:
            user._ccp_check_return()
        self._ccp_take_phones(before)
        return result

    @api.model
    def _ccp_clean(self, vals):
        vals = self._ccp_clean_further(vals)
        cleaned = {name: self._ccp_read_phone(vals[name]) for name in PHONES if vals.get(name)}
        if vals.get("ccp_caller_number"):
            cleaned["ccp_caller_number"] = caller_id.tidy(vals["ccp_caller_number"])
        return {**vals, **cleaned}

    @api.model
    def _ccp_read_phone(self, phone):
        """Return the ten digits of a person's own phone; False for an empty text.

        :param str phone: as somebody typed it
        :raise ValidationError: when Airtel cannot ring it
        """
        try:
            return number.read(phone)
        except number.NumberError as error:
            if error.reason == "empty":
                return False
            refusal = ValidationError(
                self.env._(
                    "Airtel cannot ring %(phone)s: enter one Indian number of ten digits, such as "
                    "98765 43210.",
                    phone=shown(str(phone)),
                )
            )
            raise unlogged(refusal) from error

    @api.model
    def _ccp_clean_further(self, vals):
        text = vals.get("ccp_further_phones")
        if not isinstance(text, str):
            return vals
        lines = dict.fromkeys(map(self._ccp_read_phone, filter(str.strip, text.splitlines())))
        return {**vals, "ccp_further_phones": "\n".join(filter(None, lines)) or False}

    def _ccp_further_numbers(self):
        """Return the further phones of an agent, ten digits each.

        :rtype: list[str]
        """
        self.ensure_one()
        return (self.sudo().ccp_further_phones or "").split()

    @api.constrains("ccp_further_phones")
    def _check_ccp_further_phones(self):
        for user in self.sudo():
            phones = (user.ccp_further_phones or "").splitlines()
            if len(phones) > MAX_FURTHER_PHONES:
                raise ValidationError(
                    self.env._(
                        "There are %(count)s further phones: keep at most %(limit)s.",
                        count=len(phones),
                        limit=MAX_FURTHER_PHONES,
                    )
                )

    def _ccp_own_numbers(self):
        """Return all phones of an agent, in the order in which they ring.

        :return: ten digits each; phones from earlier versions may have another form
        :rtype: tuple[str, ...]
        """
        self.ensure_one()
        user = self.sudo()
        phones = (user.ccp_phone, user.ccp_second_phone, *user._ccp_further_numbers())
        return tuple(dict.fromkeys(filter(None, phones)))

    def _ccp_check_may_change_phones(self, vals):
        """Refuse a change of phones by a user if only administrators may change them.

        :param dict vals: what is written
        :raise AccessError: with the name of who can change them
        """
        if self.env.su or self.env.user.has_group("base.group_system"):
            return
        changed = self.sudo().filtered(
            lambda user: any(
                (user[name] or False) != (vals[name] or False)
                for name in OWN_PHONES
                if name in vals
            )
        )
        if not changed:
            return
        if not self.env.user._is_internal():
            raise AccessError(
                self.env._(
                    "Only internal users can have phones for calls: ask an administrator to make "
                    "you an internal user."
                )
            )
        if any(changed.mapped("ccp_phones_reserved")):
            raise AccessError(
                self.env._(
                    "Only administrators can change agents' phones in your company: ask yours to "
                    "change them."
                )
            )

    def _ccp_take_phones(self, before):
        """Check the users' new phones, and store who changed them and when.

        :param dict before: by user id: the former phones; new users had none
        :raise ValidationError: for a phone that another user has, or that must not be rung
        """
        changed = self.sudo().browse()
        bodies = {}
        for user in self.sudo():
            had, has = before.get(user.id, ()), user._ccp_own_numbers()
            if had == has:
                continue
            for phone in set(has).difference(had):
                if problem := user._ccp_phone_problem(phone):
                    raise ValidationError(problem)
            changed |= user
            bodies[user.partner_id.id] = self.env._(
                "Phones that Airtel rings for calls: %(phones)s. Before: %(before)s.",
                phones=self._ccp_masked(has),
                before=self._ccp_masked(had),
            )
        if changed:
            changed.write(
                {"ccp_phones_date": fields.Datetime.now(), "ccp_phones_by_id": self.env.uid}
            )
            changed.partner_id._message_log_batch(bodies, author_id=self.env.user.partner_id.id)

    @api.model
    def _ccp_masked(self, phones):
        """Return phones in the form in which a note shows them.

        :rtype: str
        """
        return ", ".join(map(number.mask, phones)) or self.env._("none")

    def _ccp_phone_problem(self, phone):
        """Return why this user cannot have a phone, "" if the user can.

        :param str phone: ten digits
        :rtype: str
        """
        self.ensure_one()
        if self._ccp_blacklisted([phone]):
            return self.env._(
                "%s must not be called: it is on the phone blacklist. Enter another phone; an "
                "administrator can remove it from there if its owner agrees.",
                number.mask(phone),
            )
        # Only administrators learn whose phone it is; an archived user calls nobody
        owner = self._ccp_owner_of(phone) if self.sudo().active else self.browse()
        if owner and self.env.user.has_group("base.group_system"):
            return self.env._(
                "%(name)s already uses %(phone)s. Keep it for one of the two.",
                name=owner.name,
                phone=number.mask(phone),
            )
        if owner or not self._ccp_reserve_phone(phone):
            return self.env._(
                "Another user already has the phone %s: enter your own, or ask your administrator.",
                number.mask(phone),
            )
        return ""

    def _ccp_check_return(self):
        """Refuse to unarchive a user whose phone somebody else has now.

        :raise ValidationError: with the step to take first
        """
        self.ensure_one()
        for phone in self._ccp_own_numbers():
            owner = self._ccp_owner_of(phone)
            if not owner:
                continue
            is_administrator = self.env.user.has_group("base.group_system")
            raise ValidationError(
                self.env._(
                    "%(name)s cannot be restored with the phone %(phone)s, which %(owner)s now "
                    "has: an administrator must first remove it from one of the two.",
                    name=self.name,
                    phone=number.mask(phone),
                    owner=owner.name if is_administrator else self.env._("another user"),
                )
            )

    def _ccp_owner_of(self, phone):
        """Return another active user, of any company, who has a phone; empty if there is none.

        :param str phone: ten digits
        :return: a user, as superuser
        :rtype: odoo.models.BaseModel
        """
        return (self._ccp_owners(phone) - self)[:1]

    @api.model
    def _ccp_owners(self, phone):
        """Return the active users, of any company, who have a phone.

        :param str phone: ten digits
        :return: users, as superuser
        :rtype: odoo.models.BaseModel
        """
        domain = Domain.OR(Domain(name, "=", phone) for name in PHONES)
        domain |= Domain("ccp_further_phones", "like", phone)
        return self.sudo().with_context(active_test=True).search(domain)

    def _ccp_reserve_phone(self, phone):
        """Keep other transactions from giving a phone to another user until this one ends.

        :param str phone: ten digits
        :return: False if another one does so now, or has done since this one began
        :rtype: bool
        """
        ((is_free, snapshot),) = self.env.execute_query(
            SQL(
                """
                SELECT pg_try_advisory_xact_lock(hashtext('ccp.phone'), hashtext(%s)),
                       pg_current_snapshot()::text
                """,
                phone,
            )
        )
        # While addons are loaded nobody else works, and this transaction may have locked the table
        if not is_free or not self.env.registry.ready:
            return is_free
        with self.env.registry.cursor() as cr:
            cr.execute(
                """
                SELECT FROM res_users
                 WHERE id <> %(user)s
                   AND active
                   AND (%(phone)s IN (ccp_phone, ccp_second_phone)
                        OR ccp_further_phones LIKE '%%' || %(phone)s || '%%')
                   AND NOT pg_visible_in_snapshot(xmin::text::xid8, %(snapshot)s::pg_snapshot)
                """,
                {"user": self.id, "phone": phone, "snapshot": snapshot},
            )
            return not cr.rowcount

    @api.model
    def _ccp_blacklisted(self, phones):
        """Return which of these phones are on the blacklist.

        :param phones: ten digits each
        :rtype: set[str]
        """
        numbers = [f"+91{each}" for each in phones]
        listed = self.env["phone.blacklist"].sudo().search([("number", "in", numbers)])
        return {each.removeprefix("+91") for each in listed.mapped("number")}

    def _ccp_sharing(self):
        """Return those of these users who share a phone with another active user.

        Phones that two users shared before this was refused may still exist.

        :rtype: odoo.models.BaseModel
        """
        owners = {}
        domain = Domain.OR(Domain(name, "!=", False) for name in OWN_PHONES)
        everybody = self.sudo().with_context(active_test=True).search(domain)
        for user in everybody:
            for phone in user._ccp_own_numbers():
                owners.setdefault(phone, []).append(user.id)
        sharing = {each for ids in owners.values() if len(ids) > 1 for each in ids}
        return self.filtered(lambda user: user.id in sharing)
