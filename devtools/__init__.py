"""The commands behind the Makefile: fetch, run, test, check.

Only the standard library is used, because this runs with the machine's own Python before anything
is installed. Everything it fetches or makes is below ``.dev/``.
"""

import sys

# A Python older than the code requires gets as far as this line.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit("Odoo 19 needs Python 3.10 or later: name one, as in `make PYTHON=python3.12 setup`.")
