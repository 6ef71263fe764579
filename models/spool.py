"""The folder in which reports wait while the database is away, and the tokens of notify URLs.

It is below Odoo's data folder, which all servers of a database share, like the filestore.
"""

import logging
import secrets
from pathlib import Path

from odoo.tools import config

from ..ccp.safe.faults import name_of
from ..ccp.safe.spool import Spool

_logger = logging.getLogger(__name__)


def root():
    """Return the folder of all databases' spools.

    :rtype: pathlib.Path
    """
    return Path(config["data_dir"]) / "airtel_ccp"


def spool_of(env):
    """Return the spool of a database.

    :param odoo.api.Environment env: an environment of this database
    :rtype: airtel_ccp.ccp.spool.Spool
    """
    return Spool(root() / env.cr.dbname)


def make_token(env):
    """Return a new token for a notify URL, signed to be recognised without the database.

    :param odoo.api.Environment env: an environment of the database that takes the reports
    :rtype: str
    """
    try:
        return spool_of(env).make_token()
    except OSError as error:
        # Placing the call matters more than spooling its reports
        _logger.warning(
            "Reports cannot be kept while the database is away: Odoo's data folder does not "
            "take the key (%s)",
            name_of(error),
        )
        return secrets.token_urlsafe(24)
