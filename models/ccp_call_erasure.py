import json

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import hmac

from ..ccp.safe import number
from .ccp_call_notify import BUS_MESSAGE

# The purpose of the digests: the same secret gives other digests for other purposes
SCOPE = "airtel_ccp erased call"


class CcpCall(models.Model):
    """What is deleted with a call beside its row, and how an erased call is recognised.

    An erased call keeps digests of Airtel's ids for it. They reveal nothing about anybody, but
    show that a late report or an import of past calls is about a call that was erased.
    """

    _inherit = "ccp.call"

    # Separated by blanks
    erased_ids = fields.Char(
        "Digests of its erased ids",
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )

    # For the search in ``_erased_of``: written as the ORM writes `erased = True`
    _erased_idx = models.Index("(company_id) WHERE erased IS TRUE")

    def _delete_copies(self, keep_plans=False):
        """Delete the data about these calls that is stored outside their own rows.

        These are activities and messages about them, cards, open dialogs, and bus messages that
        browsers did not fetch yet.

        :param bool keep_plans: whether activities that are still to be done stay on their records,
            without summary and note
        """
        calls = self.sudo()
        message_ids = calls.card_message_ids.ids
        message_ids += calls._erase_activities(keep_plans)
        calls.card_message_ids.unlink()
        for model in ("ccp.call.entry", "ccp.call.link"):
            self.env[model].sudo().search([("call_id", "in", calls.ids)]).unlink()
        calls._delete_bus_messages(message_ids)

    def _delete_bus_messages(self, message_ids):
        """Delete bus messages about these calls, and about messages of the chatter.

        :param list[int] message_ids: ids of ``mail.message``
        """
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM bus_bus
                 WHERE (message::jsonb ->> 'type' = %(type)s
                        AND (message::jsonb #>> '{payload,panel,id}')::bigint = ANY(%(calls)s))
                    OR jsonb_path_exists(
                           message::jsonb,
                           '$.payload.**."mail.message"[*].id ? (@ == $ids[*])',
                           %(ids)s::jsonb)
                """,
                type=BUS_MESSAGE,
                calls=self.ids,
                ids=json.dumps({"ids": message_ids}),
            )
        )

    def _id_digests(self):
        """Return the digests of Airtel's ids for this call, in the form of ``erased_ids``.

        :rtype: str | bool
        """
        self.ensure_one()
        ids = filter(None, (self.correlation_id, self.session_id))
        return " ".join(map(self._id_digest, ids)) or False

    @api.model
    def _id_digest(self, value):
        """Return the digest of an id that Airtel gave a call.

        :param str value: a correlation or session id
        :rtype: str
        """
        return hmac(self.env(su=True), SCOPE, value)

    @api.model
    def _erased_of(self, company):
        """Return what a company's erased calls are recognised by.

        :param company: a ``res.company``
        :return: digests of ids; and, for calls without ids, tuples of agent's number and start
        :rtype: tuple[set[str], list[tuple]]
        """
        erased = self.sudo().search(
            Domain("company_id", "=", company.id)
            & Domain("erased", "=", True)
            & Domain("manual", "=", False)
        )
        digests = {each for call in erased for each in (call.erased_ids or "").split()}
        nameless = [
            (call._agent_numbers(), call.start_date) for call in erased if not call.erased_ids
        ]
        return digests, nameless

    @api.model
    def _is_erased(self, erased, ids, agent_number, earliest, latest):
        """Return whether a report or record is about a call that was erased.

        :param tuple erased: see ``_erased_of``
        :param ids: Airtel's ids in the report, some may be empty
        :param str agent_number: ten digits, or "" when it names none
        :param datetime.datetime earliest: when the call began at the earliest, naive UTC
        :param datetime.datetime latest: when it began at the latest
        :rtype: bool
        """
        digests, nameless = erased
        if digests and not digests.isdisjoint(map(self._id_digest, filter(None, ids))):
            return True
        return any(
            number.last10(agent_number) in numbers and earliest <= start <= latest
            for numbers, start in nameless
        )
