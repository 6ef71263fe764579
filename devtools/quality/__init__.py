"""What checks the code, or runs inside Odoo's own processes while tests run."""
