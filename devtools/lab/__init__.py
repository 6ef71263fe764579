"""One running Odoo, one RPC client, one made-up company and one private database server."""
