import configparser
import os
import subprocess
from pathlib import Path

from devtools.machine import configuration
from devtools.machine.layout import Settings
from devtools.machine.odoo_source import OdooTree
from devtools.machine.postgres import Server

TREE = OdooTree("/odoo", ("/odoo/odoo/addons", "/odoo/addons"), "a checkout")
PROGRAMS = Path("/programs")


def options(layout, settings, environ):
    server = Server(environ, PROGRAMS)
    parser = configparser.ConfigParser(interpolation=None)
    found = configuration.odoo_options(layout, settings, TREE, server)
    parser.read_string(configuration.render(found))
    return dict(parser["options"])


def test_the_embedded_server(layout):
    environ = {"PGHOST": "/socket", "PGPORT": "5432", "PGUSER": "odoo"}
    found = options(layout, Settings(odoo_port=9000, workers=2), environ)
    assert found["addons_path"] == f"/odoo/odoo/addons,/odoo/addons,{layout.addons}"
    assert (found["db_host"], found["db_port"], found["db_user"]) == ("/socket", "5432", "odoo")
    assert (found["http_interface"], found["http_port"]) == ("127.0.0.1", "9000")
    assert (found["workers"], found["max_cron_threads"]) == ("2", "2")
    assert found["data_dir"] == str(layout.data)
    assert found["db_name"] == "airtel_ccp"


def test_a_server_of_ones_own_is_named_by_the_environment_alone(layout):
    found = options(layout, Settings(own_server=True), {})
    assert not {"db_host", "db_port", "db_user", "db_password"} & set(found)


def test_a_variant_may_have_the_addon_from_elsewhere(layout, tmp_path):
    layout.addon.mkdir(parents=True)
    layout.config.write_text(f"[options]\naddons_path = /a,{layout.addons}\nworkers = 2\n")
    path = tmp_path / "odoo.conf"
    configuration.write_variant(layout.config, path, tmp_path / "copy", replaced=True)
    parser = configparser.ConfigParser()
    parser.read(path)
    assert dict(parser["options"]) == {"addons_path": f"/a,{tmp_path / 'copy'}", "workers": "2"}


def test_files_are_written_only_when_they_change(layout):
    server = Server({}, PROGRAMS)
    configuration.write(layout, Settings(), TREE, server)
    os.utime(layout.config, (1, 1))
    configuration.write(layout, Settings(), TREE, server)
    assert layout.config.stat().st_mtime == 1
    configuration.write(layout, Settings(odoo_port=9000), TREE, server)
    assert layout.config.stat().st_mtime != 1
    assert layout.config.stat().st_mode & 0o777 == 0o600


def test_the_launcher_runs_from_anywhere(layout, tmp_path):
    configuration.write(layout, Settings(), TREE, Server({}, PROGRAMS))
    layout.venv.unlink()
    layout.python.parent.mkdir(parents=True)
    layout.python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    layout.python.chmod(0o755)
    command = [layout.bin / "odoo", "shell", "-d", "with blank"]
    result = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
    script, *words = result.stdout.splitlines()
    assert words == ["shell", "-d", "with blank"]
    # Odoo starts its event process as `python <this script> gevent`.
    assert Path(script).read_text().startswith("import sys")
