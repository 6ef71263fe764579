"""What the Makefile calls: fetch, run, test, check.

Standard library only, because it runs with the machine's own Python before anything is installed.
Everything it fetches or makes lives under ``.dev/``.
"""

import sys

# An older Python than the one the code is written for gets this far, and no further.
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit("Odoo 19 needs Python 3.10 or later: name one, as in `make PYTHON=python3.12 setup`.")
