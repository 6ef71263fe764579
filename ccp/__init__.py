# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Airtel CCP's Click to Call protocol in plain Python; it knows nothing of Odoo.

Three shelves, whose imports point one way, call -> airtel -> safe:

- ``call``: what a call is
- ``airtel``: what Airtel says
- ``safe``: what comes from outside

Import the module that you need; importing the package or a shelf loads none of them.
"""
