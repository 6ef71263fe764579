import pytest

from devtools.machine import postgres
from devtools.machine.database import Databases, module_in_work, quoted
from devtools.machine.errors import ToolError


@pytest.fixture
def databases(layout):
    cluster = postgres.Cluster(layout, durable=False)
    with cluster.lease() as server:
        yield Databases(layout, None, server, demo=True)


def test_quoted():
    assert quoted("it's") == "'it''s'"


@pytest.mark.parametrize("name", ["", "Upper", "a-b", "1st", 'a"; DROP', "a" * 60])
def test_a_name_that_is_none(layout, name):
    with pytest.raises(ToolError, match="is no database name"):
        Databases(layout, None, None, demo=False).ensure(name)


def test_demo_data_has_a_template_of_its_own(layout):
    templates = {Databases(layout, None, None, demo=demo).template for demo in (True, False)}
    assert len(templates) == 2


def test_a_copy_takes_rows_and_attachments_but_no_note(databases, layout):
    databases._program("createdb", "one")
    databases.query("one", "CREATE TABLE mark AS SELECT 7 AS number")
    databases.set_note("one", "it's done")
    attachment = layout.data / "filestore" / "one" / "ab" / "abcd"
    attachment.parent.mkdir(parents=True)
    attachment.write_text("sound")

    databases.copy("one", "two")
    assert databases.query("two", "SELECT number FROM mark") == "7"
    assert (databases.note("one"), databases.note("two")) == ("it's done", "")
    assert (layout.data / "filestore/two/ab/abcd").read_text() == "sound"

    databases._rename("two", "three")
    assert not databases.exists("two")
    assert (layout.data / "filestore/three/ab/abcd").exists()

    databases.drop("three")
    assert not databases.exists("three")
    assert not (layout.data / "filestore/three").exists()
    assert attachment.exists()


def test_a_refused_statement_says_why(databases):
    with pytest.raises(ToolError, match="psql failed: .*no_such_table"):
        databases.query("postgres", "SELECT * FROM no_such_table")


def test_progress_is_read_from_the_log(tmp_path):
    log = tmp_path / "log"
    log.write_text("... odoo.modules.loading: loading 1 modules...\n")
    assert module_in_work(log) == "starting"
    log.write_text("x: Loading module base (1/9) \nx: Loading module crm (7/9) \nCreating table\n")
    assert module_in_work(log) == "module 7 of 9, crm"
