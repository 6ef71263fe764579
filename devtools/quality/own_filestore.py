"""A pytest plugin: parallel tests of Odoo do not remove each other's files."""

import os
import shutil
from pathlib import Path

import pytest

from odoo.tools import config


@pytest.fixture(scope="session", autouse=True)
def own_filestore(load_registry, tmp_path_factory):
    """Give each process its own copy of the files, as it has its own copy of the database.

    pytest-odoo shares the files. After each class of tests Odoo removes files that its database
    does not know, including those of another process's tests.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    shared = Path(config.filestore(config["db_name"]))
    own = tmp_path_factory.mktemp("filestore") / "files"
    if shared.exists():
        shutil.copytree(shared, own)

    def filestore(database):
        # Servers that a test starts have their own databases and files
        of_tests = database in config["db_name"]
        return str(own) if of_tests else str(Path(config["data_dir"], "filestore", database))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "filestore", filestore)
        yield
