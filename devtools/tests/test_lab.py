import configparser

from devtools.lab.odoo import Odoo
from devtools.machine.configuration import write_variant
from devtools.machine.postgres import Server


def test_the_configuration_names_the_private_server(layout):
    layout.config.write_text(
        "[options]\naddons_path = /a,/b\ndb_name = people\ndb_host = elsewhere\nworkers = 2\n"
    )
    environ = {"PGHOST": "/socket", "PGPORT": "5433", "PGUSER": "lab"}
    server = Server(environ, layout.dev)
    path = layout.dev / "odoo-bench.conf"
    write_variant(
        layout.config, path, layout.root / "more", db_name="airtel_ccp_bench", **server.options
    )
    found = configparser.ConfigParser()
    found.read(path)
    assert dict(found["options"]) == {
        "addons_path": f"/a,/b,{layout.root / 'more'}",
        "workers": "2",
        "db_host": "/socket",
        "db_port": "5433",
        "db_user": "lab",
        "db_name": "airtel_ccp_bench",
    }


def test_threads_answer_websockets_at_their_own_port(tmp_path):
    assert (odoo := Odoo("odoo.conf", "one", tmp_path)).gevent_port == odoo.port
    assert (odoo := Odoo("odoo.conf", "one", tmp_path, workers=2)).gevent_port != odoo.port


def test_what_never_ran_can_be_stopped(tmp_path):
    odoo = Odoo("odoo.conf", "one", tmp_path)
    odoo.stop()
    assert odoo.read_log() == ""
