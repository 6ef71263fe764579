# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""What Airtel sends and expects: requests, reports, error codes, words."""
