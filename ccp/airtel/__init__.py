# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""What Airtel says and wants: requests, reports, error codes, words."""
