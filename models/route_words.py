"""The reasons for routing an incoming call, in words."""

from ..ccp.safe import number


def reason_words(env, reason, about=""):
    """Return why a call was routed as it was.

    :param odoo.api.Environment env: of the reader
    :param str reason: one of ``ccp.call.route.REASONS``
    :param str about: the name of the record, "" without one
    :rtype: str
    """
    _ = env._
    named = {
        "record_owner": lambda: _("owner of %s", about),
        "salesperson": lambda: _("salesperson of %s", about),
        "last_agent": lambda: _("spoke with %s last", about),
    }
    if about and reason in named:
        return named[reason]()
    plain = {
        "missed_agent": lambda: _("called this number just now"),
        "record_owner": lambda: _("owner of the open record"),
        "salesperson": lambda: _("the contact's salesperson"),
        "last_agent": lambda: _("spoke with this number last"),
        "team": lambda: _("the number's team"),
        "menu_team": lambda: _("the team of the digit that was pressed"),
        "desk": lambda: _("nobody else could be rung"),
        "closed": lambda: _("outside the opening hours"),
        "blocked": lambda: _("the caller is on the phone blacklist"),
        "flood": lambda: _("the caller called too often"),
        "unknown_number": lambda: _("no call flow has the number that was dialled"),
        "unreadable": lambda: _("Airtel's question could not be read"),
        "database_away": lambda: _("the database was unreachable"),
    }
    return plain[reason]() if reason in plain else reason


def obstacle_words(env, obstacle):
    """Return why an agent is not rung.

    :param odoo.api.Environment env: of the reader
    :param str obstacle: see ``ccp.call.route.Step``
    :rtype: str
    """
    _ = env._
    words = {
        "caller": lambda: _("calls from this phone"),
        "phone": lambda: _("has no phone for calls"),
        "blacklisted": lambda: _("the phone is on the phone blacklist"),
        "away": lambda: _("is away"),
        "hours": lambda: _("is on leave or outside working hours"),
        "busy": lambda: _("is in a call"),
        "gone": lambda: _("does not work for this company any more"),
    }
    return words[obstacle]() if obstacle in words else obstacle


def outcome_words(env, decision):
    """Return who would ring, and why.

    :param odoo.api.Environment env: of the reader
    :param airtel_ccp.ccp.call.route.Decision decision: the decision
    :rtype: str
    """
    _ = env._
    why = reason_words(env, decision.reason, decision.about.name if decision.about else "")
    if not decision.ring:
        return _(
            "The desk's phone %(phone)s rings: %(why)s.",
            phone=number.mask(decision.desk),
            why=why,
        )
    first, *others = decision.ring
    sentence = _(
        "%(name)s's phone %(phone)s rings: %(why)s.",
        name=first.name,
        phone=number.mask(first.number),
        why=why,
    )
    if not others:
        return sentence
    names = ", ".join(each.name for each in others)
    if decision.strategy == "PARALLEL":
        return _("%(sentence)s At the same time: %(names)s.", sentence=sentence, names=names)
    return _("%(sentence)s Afterwards: %(names)s.", sentence=sentence, names=names)
