import pytest

from devtools.machine.errors import ToolError
from devtools.machine.layout import Layout, Settings, chosen, whole_number


def test_defaults():
    settings = Settings.from_environ({})
    assert (settings.odoo_port, settings.gevent_port, settings.sandbox_port) == (8069, 8072, 8270)
    assert settings.workers == 0
    assert settings.odoo_source is None
    assert settings.odoo_repository == ""
    assert not settings.odoo_update
    assert not settings.own_server


def test_variables_are_read(tmp_path):
    environ = {
        "ODOO_PORT": "9001",
        "SANDBOX_PORT": "9002",
        "GEVENT_PORT": "9003",
        "WORKERS": "4",
        "ODOO_SRC": str(tmp_path),
        "ODOO_REPOSITORY": "https://odoo.test/odoo",
        "ODOO_UPDATE": "1",
    }
    settings = Settings.from_environ(environ)
    assert (settings.odoo_port, settings.sandbox_port, settings.gevent_port) == (9001, 9002, 9003)
    assert settings.workers == 4
    assert settings.odoo_source == tmp_path
    assert settings.odoo_repository == "https://odoo.test/odoo"
    assert settings.odoo_update


def test_empty_variables_count_as_unset():
    environ = dict.fromkeys(("ODOO_PORT", "WORKERS", "ODOO_SRC", "PGHOST"), "")
    settings = Settings.from_environ(environ)
    assert settings.odoo_port == 8069
    assert settings.odoo_source is None
    assert not settings.own_server


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE"])
def test_a_server_of_ones_own(name):
    assert Settings.from_environ({name: "something"}).own_server


def test_a_user_name_alone_is_no_server():
    assert not Settings.from_environ({"PGUSER": "me"}).own_server


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "80 81"])
def test_a_port_that_is_none(value):
    with pytest.raises(ToolError, match="SANDBOX_PORT is .* port number"):
        Settings.from_environ({"SANDBOX_PORT": value})


@pytest.mark.parametrize("value", ["many", "-1", "1.5"])
def test_a_count_that_is_none(value):
    with pytest.raises(ToolError, match="WORKERS is .* whole number"):
        Settings.from_environ({"WORKERS": value})


@pytest.mark.parametrize(("text", "least"), [("0", 1), ("two", 1), ("-1", 0), ("1.5", 0)])
def test_numbers_that_are_none(text, least):
    with pytest.raises(ToolError, match=f"^SEED is .*{text}.* whole number, {least} or more"):
        whole_number({"SEED": text}, "SEED", 1, least)


def test_numbers_have_a_default():
    assert whole_number({"SEED": ""}, "SEED", 7) == 7
    assert whole_number({"SEED": "0"}, "SEED", 7, least=0) == 0


def test_names_are_chosen():
    known = ("crm", "sms")
    assert chosen({}, known) == chosen({"ARGS": " "}, known) == known
    assert chosen({"ARGS": "sms"}, known) == ["sms"]
    with pytest.raises(ToolError, match="^ARGS names stock: it can name crm, sms"):
        chosen({"ARGS": "crm stock"}, known)


def test_everything_lies_below_one_folder(tmp_path):
    found = Layout(tmp_path)
    names = [name for name in dir(Layout) if isinstance(getattr(Layout, name), property)]
    assert len(names) > 10
    for name in names:
        assert getattr(found, name).is_relative_to(tmp_path / ".dev")
