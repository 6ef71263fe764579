# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Airtel CCP's Click to Call protocol in plain Python; it knows nothing of Odoo.

Import the module that you need, importing the package alone loads none of them:

- ``const``: names, limits and error codes of the protocol
- ``request``: the body of an execute/workflow request
- ``components``: further components of a request, from JSON
- ``headers``: headers of one's own that come with each report
- ``client``: sends it to Airtel, once
- ``number``: free text to a number that Airtel can dial
- ``caller``: the Airtel numbers that phones display, and their series
- ``callback``: what Airtel posts to a notify URL, parsed
- ``timeline``: a call's reports folded into its state, result and legs
- ``table``: pasted lines, CSV and xlsx files as rows of texts
- ``recording``: fetches a recording from the hosts that are allowed
"""
