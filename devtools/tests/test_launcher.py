import os
import subprocess

import pytest

from devtools.machine.layout import LAYOUT


@pytest.fixture
def odoo(tmp_path):
    """Run `.dev/bin/odoo` from elsewhere, with a server that must not be needed."""

    def run(*words, **environ):
        return subprocess.run(
            [LAYOUT.bin / "odoo", *words],
            cwd=tmp_path,
            env={**os.environ, "PGHOST": str(tmp_path), **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_it_is_odoo_19(odoo):
    assert odoo("--version").stdout.startswith("Odoo Server 19")


def test_somebody_elses_configuration_does_not_count(odoo, tmp_path):
    other = tmp_path / "other.conf"
    other.write_text("[options]\naddons_path = /nowhere\n")
    result = odoo("--stop-after-init", "--database", "none", ODOO_RC=str(other))
    assert f"Using configuration file at {LAYOUT.config}" in result.stderr
    assert str(LAYOUT.addons) in result.stderr


def test_odoos_exit_code_is_passed_on(odoo):
    assert odoo("no-such-command").returncode != 0
    assert odoo("help").returncode == 0
