"""What the commands need: files, programs, PostgreSQL, Odoo's source, the browser."""
