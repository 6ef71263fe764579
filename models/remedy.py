"""The way out of a refusal: the error carries it, the browser offers it."""

from odoo.exceptions import UserError

# Odoo sends an error's ``context`` to the browser, which recognises errors by their class names
KEY = "airtel_ccp_remedy"


def refusal(sentence, opens, **values):
    """Return the error to raise for a refusal that the rep can resolve.

    :param str sentence: what happened and how to correct it
    :param str opens: what the browser opens or offers: ``outcome`` (of the call ``call_id``),
        ``panel``, ``preferences``, or ``record`` (``res_model`` and ``res_id``)
    :param values: the ids for that
    :rtype: odoo.exceptions.UserError
    """
    error = UserError(sentence)
    error.context = {KEY: {"opens": opens, **values}}
    return error


def is_house_rule(error):
    """Return whether an error is a house rule, which a user with the right to do so may override.

    A subclass would not do: browsers recognise errors by the names of their classes.

    :param odoo.exceptions.UserError error: why no call was placed
    :rtype: bool
    """
    return getattr(error, "is_house_rule", False)
