"""What the commands stand on: files, programs, PostgreSQL, Odoo's source, the browser."""
