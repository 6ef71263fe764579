# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Airtel CCP's Click to Call protocol in plain Python, without Odoo.

Three shelves, whose imports go one way, call -> airtel -> safe:

- ``call``: what a call is
- ``airtel``: what Airtel sends and expects
- ``safe``: input from outside

Import the module that you need; importing the package or a shelf loads none of them.
"""
