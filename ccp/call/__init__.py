# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""What a call is: its states, results and legs, and how reports determine them."""
