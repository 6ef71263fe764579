"""Names errors in logs without their texts, which may contain secrets, addresses or numbers."""

import os


def name_of(error):
    """Return the kind of an error, without anything that comes from outside.

    :param Exception error: any error
    :return: the name of its class; for an error of the operating system also the system's name
        for it, because "OSError" alone does not distinguish a full disk from a missing right
    :rtype: str
    """
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    return f"{name}: {os.strerror(number)}" if isinstance(number, int) else name
