"""What lifts a refusal: carried by the error, opened by the browser."""

from odoo.exceptions import UserError

# Odoo hands an error's ``context`` to the browser, which knows errors by the names of their classes
KEY = "airtel_ccp_remedy"


def refusal(sentence, opens, **values):
    """Return the error of a refusal that the rep can lift, for ``raise``.

    :param str sentence: what happened and how to mend it
    :param str opens: what the browser opens or offers: ``outcome`` (of the call ``call_id``),
        ``panel``, ``preferences``, or ``record`` (``res_model`` and ``res_id``)
    :param values: the ids that this needs
    :rtype: odoo.exceptions.UserError
    """
    error = UserError(sentence)
    error.context = {KEY: {"opens": opens, **values}}
    return error


def is_house_rule(error):
    """Return whether an error is a rule despite which a user with the right to do so may call.

    It is no class of its own, because browsers know errors by the names of their classes.

    :param odoo.exceptions.UserError error: why no call was placed
    :rtype: bool
    """
    return getattr(error, "is_house_rule", False)
