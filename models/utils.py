from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import pytz

HOME_TIME_ZONE = "Asia/Kolkata"
HOME_TIME_ZONES = (HOME_TIME_ZONE, "Asia/Calcutta")
# How far ahead a calendar's next opening is searched
SEARCHED_PERIOD = timedelta(days=30)
# What the web client does after a notification: reload the view, or close the dialog
RELOAD = {"type": "ir.actions.client", "tag": "soft_reload"}
CLOSE = {"type": "ir.actions.act_window_close"}


def form_of(record, name, **values):
    """Return the action that shows a record's form in a dialog.

    :param record: the record; a new one if it is empty
    :param str name: the dialog's title
    :param values: further keys of the action, which override these
    :rtype: dict
    """
    return {
        "type": "ir.actions.act_window",
        "name": name,
        "res_model": record._name,
        "res_id": record.id,
        "views": [(False, "form")],
        "target": "new",
        **values,
    }


def milliseconds(moment):
    """Return a stored moment in milliseconds since 1970, for browsers.

    :param datetime.datetime | bool moment: naive UTC, as Odoo stores it
    :return: milliseconds since 1970, or False without a moment
    :rtype: int | bool
    """
    return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1000) if moment else False


def notice(message, kind="info", then=None, sticky=False):
    """Return an action that shows one sentence in the web client.

    :param str message: the sentence
    :param str kind: ``info``, ``success``, ``warning`` or ``danger``
    :param dict | None then: the action that the web client runs next, such as ``CLOSE``
    :param bool sticky: whether the sentence stays until the user closes it
    :rtype: dict
    """
    params = {"type": kind, "message": message, "sticky": sticky}
    if then:
        params["next"] = dict(then)
    return {"type": "ir.actions.client", "tag": "display_notification", "params": params}


def format_seconds(seconds):
    """Return a duration as minutes and seconds, such as ``02:35``, or with hours.

    :param int seconds: the duration, not below 0
    :rtype: str
    """
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes:02d}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def give_values(records, field_name, values):
    """Give many records the values of a computed field that is not stored.

    For the field's compute method: assigning the values one by one costs a list more time than
    everything else that the addon does for it. A value that is already known stays.

    :param odoo.models.BaseModel records: the records to compute
    :param str field_name: a text, number or boolean
    :param Iterable values: one for each record
    """
    records._fields[field_name]._insert_cache(records, values)


def naive_utc(moment):
    """Return an aware datetime as Odoo stores it: UTC, whole seconds, no time zone.

    :param datetime.datetime | None moment: an aware datetime
    :rtype: datetime.datetime | bool
    """
    if not moment:
        return False
    return moment.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)


def time_zone(name):
    """Return a time zone by its name, also by a former name that the system does not know.

    Browsers in India use ``Asia/Calcutta``. Some systems' tzdata lacks such names, but Odoo
    accepts them.

    :param str | None name: a user's or calendar's time zone; without one, or if it is unknown,
        that of India
    :rtype: zoneinfo.ZoneInfo
    """
    if name in HOME_TIME_ZONES:
        name = HOME_TIME_ZONE
    for each in (name or HOME_TIME_ZONE, HOME_TIME_ZONE):
        zone = _known_zone(each) or _zone_of_pytz(each)
        if zone:
            return zone
    return ZoneInfo("UTC")


def _known_zone(name):
    """Return a time zone from the system's data, or None."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def _zone_of_pytz(name):
    """Return a time zone from pytz's own data, or None.

    Odoo has pytz translate former names to present ones.
    """
    try:
        present = pytz.timezone(name).zone
        with pytz.open_resource(present) as file:
            return ZoneInfo.from_file(file, key=present)
    except (LookupError, ValueError, OSError):
        return None
