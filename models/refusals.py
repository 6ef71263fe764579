"""Airtel's refusals in plain words: what happened, who can correct it, and how."""

from ..ccp.airtel import const


def sentence_of_error(env, error, flow="", caller_number=""):
    """Return the sentence about an error, with Airtel's code at its end (specification 2).

    :param odoo.api.Environment env: the reader's
    :param ccp.airtel.client.CcpError error: the client's error
    :param str flow: the name of the call flow in the request
    :param str caller_number: the caller number in the request
    :rtype: str
    """
    return sentence(env, const.about(error.code, error.status), error.code, flow, caller_number)


def sentence(env, about, code, flow="", caller_number=""):
    """Return the sentence about a refusal, with its code at the end.

    :param odoo.api.Environment env: the reader's
    :param str about: a key of ``const.ABOUT``
    :param str code: the code of the refusal, Airtel's or the addon's
    :param str flow: the name of the call flow in the request
    :param str caller_number: the caller number in the request
    :rtype: str
    """
    return f"{words(env, about, flow, caller_number)} ({code})"


def words(env, about, flow="", caller_number=""):
    """Return the sentence about a refusal; no administrator is sent to an administrator.

    :param odoo.api.Environment env: the reader's
    :param str about: a key of ``const.ABOUT``
    :param str flow: the name of the call flow in the request
    :param str caller_number: the caller number in the request
    :rtype: str
    """
    _ = env._
    by_subject = {
        "address": (
            _(
                "Airtel does not accept calls at this address: ask your administrator to check "
                "base URL and API path in Settings > Airtel CCP."
            ),
            _(
                "Airtel does not accept calls at this address: check base URL and API path in "
                "Settings > Airtel CCP."
            ),
        ),
        "connection": (
            _(
                "Airtel could not be reached over a secure connection, so no call was placed: try "
                "again in a minute; if it happens again, ask your administrator to check the "
                "base URL and the network."
            ),
            _(
                "Airtel could not be reached over a secure connection, so no call was placed: "
                "check the base URL, this server's network and its certificates."
            ),
        ),
        "credentials": (
            _(
                "Airtel does not accept the user name or password: ask your administrator to "
                "check them in Settings > Airtel CCP."
            ),
            _(
                "Airtel does not accept the user name or password: check them in Settings > "
                "Airtel CCP."
            ),
        ),
        "customer_id": (
            _(
                "Airtel does not know this company's customer id: ask your administrator to "
                "check it in Settings > Airtel CCP."
            ),
            _(
                "Airtel does not know this company's customer id: check it in Settings > "
                "Airtel CCP."
            ),
        ),
        "turned_away": (
            _(
                "Airtel rejects this server: ask your administrator to have Airtel allow-list this "
                "server's address."
            ),
            _("Airtel rejects this server: ask Airtel to allow-list this server's address."),
        ),
        "account": (
            _(
                "Airtel says that the account is not ready for calls: ask your administrator "
                "to have Airtel complete it."
            ),
            _("Airtel says that the account is not ready for calls: ask Airtel to complete it."),
        ),
        "flow": (
            _(
                "Airtel does not know call flow %(flow)s: ask your administrator to check its "
                "id under Airtel CCP > Configuration > Call flows.",
            ),
            _(
                "Airtel does not know call flow %(flow)s: check its id under Airtel CCP > "
                "Configuration > Call flows.",
            ),
        ),
        "caller_id": (
            _(
                "Airtel does not accept %(caller)s as caller number: ask your administrator to "
                "check it in call flow %(flow)s.",
            ),
            _(
                "Airtel does not accept %(caller)s as caller number: check it under Airtel CCP "
                "> Configuration > Call flows, in %(flow)s, and among the users' own caller "
                "numbers.",
            ),
        ),
        "retries": (
            _(
                "Airtel allows at most three retries: ask your administrator to lower them in "
                "call flow %(flow)s.",
            ),
            _(
                "Airtel allows at most three retries: lower them under Airtel CCP > "
                "Configuration > Call flows, in %(flow)s.",
            ),
        ),
        "round_robin": (
            _(
                "Airtel did not find the agent pool of call flow %(flow)s: ask your administrator "
                "to check the pool's id, and the field of the request that holds it, in the call "
                "flow.",
            ),
            _(
                "Airtel did not find the agent pool of call flow %(flow)s: check the pool's id, "
                "and the field of the request that holds it, in the call flow.",
            ),
        ),
        "conference": (
            _(
                "Airtel does not allow a conference on the customer's side: ask your "
                "administrator to change the merging strategy in call flow %(flow)s.",
            ),
            _(
                "Airtel does not allow a conference on the customer's side: change the merging "
                "strategy under Airtel CCP > Configuration > Call flows, in %(flow)s.",
            ),
        ),
        "request": (
            _(
                "Airtel could not read the request: ask your administrator to compare call flow "
                "%(flow)s with what Airtel set up."
            ),
            _(
                "Airtel could not read the request: compare the component ids and fields of call "
                "flow %(flow)s with what Airtel set up."
            ),
        ),
        "agent": _(
            "Airtel cannot ring your own phone: check the number under My Preferences > Calls."
        ),
        "customer": _("Airtel cannot call this number: correct it on the record, then call again."),
        "same_number": _(
            "Your own phone and the customer's are the same number: choose another number."
        ),
        "fault": (
            _(
                "Airtel had an internal error and placed no call: try again in a minute; if it "
                "happens again, ask your administrator to contact Airtel."
            ),
            _(
                "Airtel had an internal error and placed no call: try again in a minute; if it "
                "happens again, contact Airtel."
            ),
        ),
        "conflict": _(
            "Airtel says that this call conflicts with another one: wait until that one is "
            "over, then call again."
        ),
        "busy": (
            _(
                "Airtel is busy and placed no call: try again in a minute; if it happens again, "
                "ask your administrator to contact Airtel."
            ),
            _(
                "Airtel is busy and placed no call: try again in a minute; if it happens again, "
                "contact Airtel."
            ),
        ),
        "unconfirmed": _(
            "Airtel did not say whether it placed the call: if your phone rings, pick up; "
            "otherwise try again in a few minutes."
        ),
        "unexpected": (
            _(
                "Airtel gave an unexpected answer and placed no call: ask your administrator to "
                "look at the call under Airtel CCP > Calls."
            ),
            _(
                "Airtel gave an unexpected answer and placed no call: look at the call under "
                "Airtel CCP > Calls, then ask Airtel."
            ),
        ),
    }
    # An error in a component is an error in the request
    sentences = by_subject["request" if about == "components" else about]
    sentence = sentences if isinstance(sentences, str) else to_reader(env, *sentences)
    return sentence % {"flow": flow or "", "caller": caller_number or ""}


def to_reader(env, for_agents, for_administrators):
    """Return the reader's one of two sentences: no administrator is sent to an administrator.

    :param odoo.api.Environment env: the reader's
    :param str for_agents: for everybody else
    :param str for_administrators: for administrators
    :rtype: str
    """
    return for_administrators if env.user.has_group("base.group_system") else for_agents
