"""Tests that need pytest, Hypothesis or a server of their own; pytest-odoo finds them by itself."""
