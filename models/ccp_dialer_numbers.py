from odoo import models
from odoo.exceptions import UserError


class CcpDialer(models.AbstractModel):
    """The numbers that a click rings: the agent's and the customer's."""

    _inherit = "ccp.dialer"

    def _agent_numbers(self, user, flow):
        """Return the user's own phone, and the further ones if the flow allows them.

        :return: empty if the flow rings a pool, from which Airtel chooses the agent
        :rtype: tuple[str, ...]
        :raise UserError: when the user's own phone is needed and missing, or Airtel cannot ring
            one of the phones
        """
        if flow._rings_pool():
            return ()
        numbers = [self._agent_number(user.ccp_phone)]
        if flow.second_agent_phone:
            if user.ccp_second_phone:
                numbers.append(self._agent_number(user.ccp_second_phone))
            numbers += user._ccp_further_numbers()
        return tuple(dict.fromkeys(numbers))[: max(1, flow.agent_phone_limit)]

    def _customer_numbers(self, record, field_name, choice, company, flow, confirmed):
        """Return the customer's numbers to dial, first the one that was clicked or chosen.

        :param record: the record that was clicked
        :param str | None field_name: the phone field that was clicked
        :param str | None choice: the key of one of the numbers that were offered
        :param company: the ``res.company`` that places the call
        :param flow: the ``ccp.call.flow`` that runs it
        :param str confirmed: the doubtful number that the rep confirmed, if any
        :rtype: tuple[str, ...]
        :raise UserError: when there is no such number, or it is doubtful
        """
        if choice:
            first, doubt = self._chosen_number(record, field_name, choice, company)
        else:
            first, doubt = record._ccp_number(company, field_name)
        record._ccp_check_doubt(first, doubt, confirmed)
        if not flow.second_customer_phone or flow.customer_number_limit < 2:
            return (first,)
        further = self._further_numbers(record, choice, first, company, flow.customer_number_limit)
        return tuple(dict.fromkeys((first, *further)))[: flow.customer_number_limit]

    def _chosen_number(self, record, field_name, choice, company):
        """Return the number that the rep chose, and why it is doubtful.

        :return: see ``ccp.safe.number.Reading``
        :rtype: tuple[str, str]
        :raise UserError: when the record does not offer it (any more)
        """
        candidates = record._ccp_numbers(company, field_name)
        if choice not in candidates:
            raise UserError(
                self.env._("The record does not have this number any more: choose again.")
            )
        return candidates[choice]["digits"], candidates[choice]["doubt"]

    def _further_numbers(self, record, choice, first, company, limit):
        """Return further numbers of the same field; of other fields if more than two may ring.

        Doubtful numbers, and those of other people that the record offers, are left out.

        :param str | None choice: the key of the first number, if one was chosen
        :param str first: the first number, ten digits
        :param company: the ``res.company`` that places the call
        :param int limit: how many numbers may ring
        :rtype: list[str]
        """
        candidates = record._ccp_numbers(company)
        by_digits = {each["digits"]: key for key, each in candidates.items()}
        chosen = choice if choice in candidates else by_digits.get(first)
        if not chosen:
            return []
        owner, field = chosen.rsplit(",", 2)[0], chosen.rsplit(",", 1)[0]
        sure = [key for key, each in candidates.items() if not each["doubt"]]
        same = [key for key in sure if key.rsplit(",", 1)[0] == field]
        others = [key for key in sure if key.rsplit(",", 2)[0] == owner and key not in same]
        return [candidates[key]["digits"] for key in (*same, *(others if limit > 2 else ()))]
