"""Odoo's command line, in which every test runs after all addons are loaded.

Odoo runs some tests as soon as their own addon is loaded, when addons that depend on it are not
there yet. Runs inside the virtual environment, because it imports Odoo.
"""

from __future__ import annotations

import sys

from odoo.tests import loader

from ..machine import launcher

_make_suite = loader.make_suite


def make_late_suite(module_names, position: str = "at_install"):
    """Return no tests while addons are loaded, and all of them at the end.

    :param module_names: the addons whose tests are requested.
    :param position: when: ``at_install`` or ``post_install``.
    """
    if position == "at_install":
        return loader.OdooSuite()
    names = list(module_names)
    return loader.OdooSuite(
        test for each in ("at_install", "post_install") for test in _make_suite(names, each)
    )


if __name__ == "__main__":
    loader.make_suite = make_late_suite
    sys.exit(launcher.main())
