from odoo import models


class CcpRefusal(models.AbstractModel):
    """Airtel's refusals in plain words: what happened, who can mend it, and how."""

    _name = "ccp.refusal"
    _description = "Airtel's error codes in words"

    def _sentence(self, error, flow, caller_number):
        """Return the sentence for an error, with Airtel's code at its end (specification 2).

        :param ccp.client.CcpError error: what the client raised
        :param flow: the ``ccp.call.flow`` that was asked for
        :param str caller_number: the caller number that was sent
        :rtype: str
        """
        sentence = (
            self._by_code(error.code, flow, caller_number)
            or self._by_transport(error.code)
            or self._by_status(error.status)
        )
        return f"{sentence} ({error.code})"

    def _by_code(self, code, flow, caller_number):
        """Return the sentence for one of Airtel's own error codes, or None."""
        _ = self.env._
        settings = {"flow": flow.name, "caller": caller_number}
        flow_unknown = _(
            "Airtel does not know call flow %(flow)s: ask your administrator to check its id in "
            "Settings > Airtel CCP.",
            **settings,
        )
        customer_unknown = _(
            "Airtel does not know this company's customer id: ask your administrator to check it "
            "in Settings > Airtel CCP."
        )
        caller_wrong = _(
            "Airtel does not accept %(caller)s as caller number: ask your administrator to check "
            "it in call flow %(flow)s.",
            **settings,
        )
        agent_wrong = _(
            "Airtel cannot ring your own phone: check the number under My Preferences > Calls."
        )
        customer_wrong = _(
            "Airtel cannot call this number: correct it on the record, then call again."
        )
        request_wrong = _(
            "Airtel could not read the request: ask your administrator to compare call flow "
            "%(flow)s with what Airtel set up.",
            **settings,
        )
        airtel_trouble = _(
            "Airtel has a fault of its own and placed no call: try again in a minute, and ask "
            "your administrator to tell Airtel if it stays."
        )
        retries_wrong = _(
            "Airtel allows at most three retries: ask your administrator to lower them in call "
            "flow %(flow)s.",
            **settings,
        )
        round_robin = _(
            "Airtel did not find the pool of agents of call flow %(flow)s: ask your administrator "
            "to check the pool's id, and the field of the request that holds it, there.",
            **settings,
        )
        return {
            "INCORRECT_CALL_FLOW_ID": flow_unknown,
            "CALL_FLOW_ID_NULL_ERROR": flow_unknown,
            "CUSTOMER_DETAILS_NOT_AVAILABLE": _(
                "Airtel has no details for this company's account: ask your administrator to have "
                "Airtel complete them."
            ),
            "INCORRECT_CUSTOMER_ID": customer_unknown,
            "CUSTOMER_ID_NULL_ERROR": customer_unknown,
            "INVALID_CALLER_ID": caller_wrong,
            "CALLER_ID_REGEX_ERROR": caller_wrong,
            "CALLER_ID_NULL_ERROR": caller_wrong,
            "DUPLICATE_PARTICIPANT_ADDRESS_FOUND": _(
                "Your own phone and the customer's are the same number: choose another number."
            ),
            "UNABLE_TO_CREATE_SECRET_KEY": airtel_trouble,
            "CLICK_TO_CALL_REQUEST_NULL_ERROR": request_wrong,
            "FROM_BODY_NULL_ERROR": request_wrong,
            "TO_BODY_NULL_ERROR": request_wrong,
            "ROUNDROBIN_AGENT_ID_MISSING": round_robin,
            "ROUNDROBIN_PARTICIPANT_DATA_NOT_ALLOWED": round_robin,
            "FROM_NUMBER_NULL_ERROR": agent_wrong,
            "FROM_PARTICIPANT_NUMBER_NULL_ERROR": agent_wrong,
            "FROM_PARTICIPANT_NUMBER_REGEX_ERROR": agent_wrong,
            "FROM_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": retries_wrong,
            "TO_NUMBER_NULL_ERROR": customer_wrong,
            "TO_PARTICIPANT_NUMBER_NULL_ERROR": customer_wrong,
            "TO_PARTICIPANT_NUMBER_REGEX_ERROR": customer_wrong,
            "TO_PARTICIPANT_MAX_RETRIES_GREATER_THAN_REQUIRED_VALUE": retries_wrong,
            "CONFERENCE_MERGING_STRATEGY_NOT_ALLOWED_FOT_TO_NUMBER": _(
                "Airtel does not allow a conference on the customer's side: ask your "
                "administrator to change the merging strategy in call flow %(flow)s.",
                **settings,
            ),
            "AIRTEL_ONLINE_UNCAUGHT_ERROR": airtel_trouble,
        }.get(code)

    def _by_transport(self, code):
        """Return the sentence for a request that Airtel never got, or None."""
        _ = self.env._
        return {
            "BAD_URL": _(
                "Airtel's address cannot be used, so no call was placed: ask your administrator "
                "to check base URL and API path in Settings > Airtel CCP."
            ),
            "NO_CONNECTION": _(
                "Airtel could not be reached, so no call was placed: try again in a minute, and "
                "ask your administrator to check the base URL and the network if it stays."
            ),
            "TLS": _(
                "The connection to Airtel is not secure, so no call was placed: ask your "
                "administrator to check the base URL and the server's certificates."
            ),
        }.get(code)

    def _by_status(self, status):
        """Return the sentence for an HTTP status without a known code (specification 4.2)."""
        _ = self.env._
        busy = _(
            "Airtel is busy and placed no call: try again in a minute, and ask your administrator "
            "to tell Airtel if it stays."
        )
        path = _(
            "Airtel does not know this address: ask your administrator to check base URL and API "
            "path in Settings > Airtel CCP."
        )
        known = {
            400: _(
                "Airtel did not accept the request: ask your administrator to compare the call "
                "flow with what Airtel set up."
            ),
            401: _(
                "Airtel does not accept the user name or password: ask your administrator to "
                "check them in Settings > Airtel CCP."
            ),
            403: _(
                "Airtel turns this server away: ask your administrator to have Airtel allow this "
                "server's address."
            ),
            404: path,
            405: path,
            409: _(
                "Airtel says that this call conflicts with another one: wait until that one is "
                "over, then call again."
            ),
            412: _(
                "Airtel says that the account is not ready for calls: ask your administrator to "
                "have Airtel complete it."
            ),
            413: _(
                "Airtel says that the request is too large: ask your administrator to shorten "
                "the call flow's fields."
            ),
            429: busy,
            501: _(
                "Airtel does not offer this for the account: ask your administrator to compare "
                "the call flow with what Airtel set up."
            ),
            503: busy,
        }
        if status in known:
            return known[status]
        if status and 300 <= status < 400:
            return path
        if status and status >= 500:
            return _(
                "Airtel has a fault of its own and placed no call: try again in a minute, and "
                "ask your administrator to tell Airtel if it stays."
            )
        return _(
            "Airtel gave an answer that was not expected, and placed no call: ask your "
            "administrator to look at the call under Airtel CCP > Calls."
        )
