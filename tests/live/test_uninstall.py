import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from odoo.tests import BaseCase, tagged
from odoo.tools import config

from ...devtools.lab.odoo import connect
from ..canaries import search_database, search_folder
from ..common import CcpSetup, accepted_call
from .server import LiveServer

# Where a name of this addon could be left, and how it would look there
TRACES = {
    "ir_attachment": "SELECT name FROM ir_attachment WHERE res_model LIKE 'ccp.%'",
    "ir_config_parameter": "SELECT key FROM ir_config_parameter WHERE key ILIKE '%ccp%'",
    "ir_cron": "SELECT cron_name FROM ir_cron WHERE cron_name ILIKE '%airtel%'",
    "ir_model": "SELECT model FROM ir_model WHERE model LIKE 'ccp.%'",
    "ir_model_data": "SELECT name FROM ir_model_data WHERE module = 'airtel_ccp'",
    "ir_model_fields": "SELECT name FROM ir_model_fields WHERE name LIKE 'ccp\\_%'",
    "mail_activity": "SELECT res_model FROM mail_activity WHERE res_model LIKE 'ccp.%'",
    "mail_message": "SELECT model FROM mail_message WHERE model LIKE 'ccp.%'",
    "tables and columns": (
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_name LIKE '%ccp%' OR column_name LIKE '%ccp%'"
    ),
    "functions": "SELECT proname FROM pg_proc WHERE proname LIKE '%ccp%'",
    "triggers": "SELECT tgname FROM pg_trigger WHERE tgname LIKE '%ccp%'",
    "sequences": "SELECT sequencename FROM pg_sequences WHERE sequencename LIKE '%ccp%'",
    "types": "SELECT typname FROM pg_type WHERE typname LIKE '%ccp%'",
    "constraints": "SELECT conname FROM pg_constraint WHERE conname LIKE '%ccp%'",
    "indexes": "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%ccp%'",
}
# Every way in which the addon, its models, fields and views are named
NAMES = {"name": r"airtel_ccp|(^|[^a-z])ccp[._]"}
# Odoo knows the addon, as any that can be installed; the cards stay, and say what they are
STAYS = {("ir_model_data", "name"), ("mail_message", "body")}


@tagged("post_install", "-at_install")
class TestUninstall(BaseCase):
    def test_only_the_chatter_stays(self):
        with LiveServer() as server:
            server.stop()
            with server.env() as env:
                self.use(env)
            folder = Path(config["data_dir"]) / "filestore" / server.database
            sound = {"sound": "sound-of-a-canary"}
            self.assertTrue(search_folder(folder, sound))
            server.spool.make_token()
            self.assertTrue(server.spool.folder.exists())
            found = {place for place, query in TRACES.items() if server.query(query)}
            expected = {"ir_attachment", "ir_cron", "ir_model", "indexes", "functions", "triggers"}
            self.assertLessEqual(expected, found)
            self.assertIn("airtel_ccp", config["server_wide_modules"], "as the manual recommends")
            refused = self.uninstall(server.database)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("remove airtel_ccp from server_wide_modules", refused.stderr)
            still = {place for place, query in TRACES.items() if server.query(query)}
            self.assertEqual(still, found, "nothing is gone yet")
            with self.configuration_without_it() as path:
                done = self.uninstall(server.database, path)
            self.assertEqual(done.returncode, 0, done.stderr[-4000:])
            left = {place: server.query(query) for place, query in TRACES.items()}
            self.assertEqual({place: rows for place, rows in left.items() if rows}, {})
            # A cache: Odoo builds a bundle again when a page asks for it
            server.query("DELETE FROM ir_attachment WHERE url LIKE '/web/assets/%'")
            with connect(server.database) as connection, connection.cursor() as cursor:
                named = {
                    place
                    for place in search_database(cursor, NAMES)
                    # The name of this database begins with the addon's
                    if place[0] != "ir_module_module" and place != ("bus_bus", "channel")
                }
            for table, column in named - STAYS:
                rows = f'SELECT t::text FROM "{table}" t WHERE "{column}"::text ~* %s'
                self.fail(f"{table}.{column}: {server.query(rows, NAMES['name'])}")
            self.assertEqual(
                server.query("SELECT DISTINCT module FROM ir_model_data WHERE name ~ 'airtel_ccp'"),
                [("base",)],
            )
            self.assertEqual(search_folder(folder, sound), {})
            self.assertFalse(server.spool.folder.exists())
            cards = server.query(
                "SELECT body FROM mail_message WHERE body LIKE '%airtel_ccp_card%'"
            )
            self.assertEqual(len(cards), 1)
            self.assertIn("Priya Sharma", cards[0][0])

    def use(self, env):
        """Leave in a database what people leave who have worked with the addon."""
        flow = CcpSetup.set_up_company(env, "http://127.0.0.1:9")
        partner = env["res.partner"].create({"name": "Priya Sharma", "phone": "+91 7000000101"})
        sound = "https://recordings.airtel.in/sound"
        agent = env.ref("base.user_admin")
        call = accepted_call(env, partner, partner, agent, flow, recording_url=sound)
        call._store_recording(b"sound-of-a-canary", "audio/wav")
        env["ccp.call.list.item"].with_user(env.ref("base.user_admin")).add_records(
            partner._name, partner.ids
        )

    @contextlib.contextmanager
    def configuration_without_it(self):
        """Do what the refusal asks for, in a configuration of its own, and give its path."""
        others = [name for name in config["server_wide_modules"] if name != "airtel_ccp"]
        with open(config.rcfile, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("server_wide_modules")]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as own:
            own.writelines([*lines, f"\nserver_wide_modules = {','.join(others)}\n"])
            own.flush()
            yield own.name

    def uninstall(self, database, configuration=None):
        """Uninstall the addon with Odoo's own command, by default as this server is configured."""
        command = [sys.executable, "-c", "from odoo.cli import main; main()", "module"]
        command += ["uninstall", f"--config={configuration or config.rcfile}"]
        return subprocess.run(
            [*command, f"--database={database}", "airtel_ccp"],
            capture_output=True,
            text=True,
            timeout=300,
        )
