"""What a log may say about an error whose text might hold a secret, an address or a number."""

import os


def name_of(error):
    """Return what an error is, without anything that comes from outside.

    :param Exception error: any error
    :return: the name of its class; for an error of the operating system also what that calls it,
        because "OSError" alone does not tell a full disk from a missing right
    :rtype: str
    """
    name = type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    return f"{name}: {os.strerror(number)}" if isinstance(number, int) else name
