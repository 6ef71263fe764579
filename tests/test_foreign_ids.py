import contextlib
import inspect
import re
from functools import partial

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .rights import FOREIGN_NUMBER, RightsCase, Undo
from .rights_table import CANARIES, FIELDS, FOREIGN_ARGUMENTS, MODELS
from .test_rights_table import own_fields
from .test_rpc_surface import METHODS, split

# A parameter that names a record, or brings something along that does
NAMES_A_RECORD = re.compile(r"(^|_)ids?$|^(choice|options)$")
# Its records are made by whoever works with them, and the roles that try
MAKERS = {"ccp.call.list.item": ("rep", "boss"), "ccp.manual.call": ("rep", "boss")}
MARKER = re.compile(r"(own|foreign) ([\w.]+)")


@tagged("post_install", "-at_install")
class TestForeignIds(RightsCase):
    """The ids that somebody names are checked, also in a record or dialog of one's own.

    Each is tried with what belongs to another company: nothing of that changes, and none of its
    names comes back.
    """

    def setUp(self):
        super().setUp()
        self.own = self.make_own()
        self.foreign = self.make_foreign()
        self.env.flush_all()
        self.env.invalidate_all()
        self.before = self.state_of_others()

    def state_of_others(self):
        """Return all that is stored of the second company's records, and how many there are."""
        self.env.flush_all()
        rows = [
            self.env.execute_query(
                SQL(
                    "SELECT row_to_json(row)::text FROM %s row WHERE id = %s",
                    SQL.identifier(record._table),
                    record.id,
                )
            )
            for record in self.foreign.values()
        ]
        counts = [
            self.env.execute_query(
                SQL("SELECT count(*) FROM %s WHERE %s", SQL.identifier(table), condition)
            )
            for table, condition in (
                ("ccp_call", SQL("company_id = %s", self.second.id)),
                ("ccp_call_event", SQL("company_id = %s", self.second.id)),
                ("ccp_call_flow", SQL("company_id = %s", self.second.id)),
                ("ccp_call_outcome", SQL("company_id = %s", self.second.id)),
                ("ccp_call_list_item", SQL("user_id = %s", self.people["foreign_rep"].id)),
                ("mail_activity", SQL("res_id = %s", self.foreign["crm.lead"].id)),
                ("mail_message", SQL("res_id = %s", self.foreign["crm.lead"].id)),
            )
        ]
        return rows, counts

    def attempt(self, role, what, *steps):
        """Do some steps as a person of a role; each returns the records for the next one.

        :param str role: who
        :param str what: what is tried, for the message
        :param steps: functions of a recordset, or of nothing for the first one
        """
        answers = []
        try:
            with contextlib.suppress(Undo), self.env.cr.savepoint():
                result = ()
                for step in steps:
                    result = step(*result)
                    answers.append(result)
                    if not isinstance(result, tuple):
                        result = (result,)
                self.env.flush_all()
                self.check_nothing_changed(role, what)
                raise Undo
        except (AccessError, UserError, ValueError, TypeError) as error:
            answers.append(error)
        self.env.invalidate_all(flush=False)
        self.check_nothing_changed(role, what)
        text = repr(answers)
        for model in self.hidden_from(role):
            self.assertNotIn(CANARIES[model], text, f"{role}, {what}: the name of a {model}")
        self.assertNotIn(FOREIGN_NUMBER, repr(self.sandbox.calls()), f"{role}, {what}: called it")

    def check_nothing_changed(self, role, what):
        self.assertEqual(
            self.state_of_others(), self.before, f"{role}, {what}: changed what is another's"
        )

    def hidden_from(self, role):
        """Return the models of which a role may not read the second company's record."""
        hidden = self._hidden.get(role)
        if hidden is None:
            hidden = self._hidden[role] = [
                model
                for model in CANARIES
                if not self.seen_by(role, self.foreign[model]).has_access("read")
            ]
        return hidden

    _hidden: dict = {}

    def resolve(self, value):
        """Return what is sent for a value of the table: ids in the place of their names."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if isinstance(value, dict):
            return {name: self.resolve(each) for name, each in value.items()}
        if not isinstance(value, str):
            return value

        def id_of(match):
            return str({"own": self.own, "foreign": self.foreign}[match[1]][match[2]].id)

        found = MARKER.fullmatch(value)
        return int(id_of(found)) if found else MARKER.sub(id_of, value)

    # Methods

    def parameters(self, name):
        """Return the parameters of a public method that name records."""
        model, method = split(name)
        signature = inspect.signature(getattr(type(self.env[model]), method))
        return [each for each in signature.parameters if NAMES_A_RECORD.search(each)]

    def test_every_parameter_has_a_row(self):
        for name in METHODS:
            if not name.startswith("ccp."):
                continue
            model, method = split(name)
            names = list(inspect.signature(getattr(type(self.env[model]), method)).parameters)[1:]
            tried = set()
            for row in FOREIGN_ARGUMENTS.get(name, ()):
                tried |= {
                    parameter
                    for parameter, value in zip(names, row, strict=False)
                    if "foreign" in str(value)
                }
            for parameter in self.parameters(name):
                self.assertIn(
                    parameter,
                    tried,
                    f"Nobody tries another's id as {parameter} of {name}: add a row to "
                    "FOREIGN_ARGUMENTS in tests/rights_table.py.",
                )
        self.assertEqual(set(FOREIGN_ARGUMENTS) - set(METHODS), set(), "rows of methods gone")

    def test_arguments(self):
        for name, rows in FOREIGN_ARGUMENTS.items():
            model, method = split(name)
            for row in rows:
                for role in ("rep", "manager", "boss"):
                    run = partial(self.run_one, role, model, method, row)
                    self.attempt(role, f"{name}{row}", run)

    def run_one(self, role, model, method, row):
        """Call a method of one's own record with a row of arguments."""
        records = self.seen_by(role, self.own.get(model, self.env[model]))
        if "link_record" not in method:
            records = records.browse()
        return getattr(records, method)(*self.resolve(row))

    def test_records(self):
        """Each method on a record of another company, alone and beside one's own."""
        for name in METHODS:
            model, method = split(name)
            signature = inspect.signature(getattr(type(self.env[model]), method))
            takes = [each for each in signature.parameters.values() if each.default is each.empty]
            if model not in self.foreign or len(takes) > 1 or method in ("button_uninstall",):
                continue
            if model == "res.company":
                # Odoo's administrators manage all companies
                continue
            for role in ("rep", "manager", "boss"):
                for ids in (
                    self.foreign[model].ids,
                    self.own.get(model, self.env[model]).ids + self.foreign[model].ids,
                ):
                    records = self.seen_by(role, self.env[model].browse(ids))
                    self.attempt(role, f"{name} of {ids}", getattr(records, method))

    # Fields

    def foreign_value(self, record, field):
        """Return values that put another's id into a field, or nothing if it names no record."""
        name = field.name
        if field.type in ("many2one", "one2many", "many2many"):
            if field.comodel_name not in self.foreign:
                if (
                    field.comodel_name.startswith("ccp.")
                    or "company_id" in self.env[field.comodel_name]._fields
                ):
                    self.fail(
                        f"No test has another company's {field.comodel_name} to put into "
                        f"{field}: add one to make_foreign in tests/rights.py."
                    )
                return
            foreign_id = self.foreign[field.comodel_name].id
            if field.type == "many2one":
                yield {name: foreign_id}
                return
            commands = [Command.link(foreign_id), Command.set([foreign_id])]
            commands.append(Command.unlink(foreign_id))
            # Odoo's administrators change and delete users anyway
            if not self.foreign[field.comodel_name].with_env(record.env).has_access("write"):
                commands.append(Command.update(foreign_id, {"display_name": "x"}))
                commands.append(Command.delete(foreign_id))
            for command in commands:
                yield {name: [command]}
        elif field.type == "many2one_reference":
            for model in ("crm.lead", "res.partner", "ccp.call", "ccp.call.event"):
                yield {field.model_field: model, name: self.foreign[model].id}
        elif field.type == "reference":
            yield {name: f"crm.lead,{self.foreign['crm.lead'].id}"}
            yield {name: f"res.partner,{self.foreign['res.partner'].id}"}

    def makers(self, model):
        """Return the roles that try it: two of those who make such records."""
        creators = MODELS[model][2].split()
        return MAKERS.get(model) or dict.fromkeys((MODELS[model][0].split()[0], creators[-1]))

    def test_fields_of_own_records(self):
        for model, names in own_fields(self.env).items():
            if model not in MODELS or not MODELS[model][2]:
                continue
            methods = [split(each)[1] for each in METHODS if split(each)[0] == model]
            for role in self.makers(model):
                if self.people[role].company_id != self.env.company:
                    role = MODELS[model][0].split()[0]
                self.try_fields(role, model, names, methods)

    def try_fields(self, role, model, names, methods):
        """Put another's ids into each field of a record that a person of a role makes."""
        people = self.env[model].with_user(self.people[role])
        if model.endswith(".line"):
            self.own[self.env[model]._fields["import_id"].comodel_name] = (
                self.env[self.env[model]._fields["import_id"].comodel_name]
                .with_user(self.people[role])
                .create(self.values_of(self.env[model]._fields["import_id"].comodel_name))
            )
        values = self.values_of(model)
        for name in sorted(names):
            field = self.env[model]._fields[name]
            if not field.store and not field.inverse:
                continue
            for foreign in self.foreign_value(people, field):
                defaults = {f"default_{key}": value for key, value in foreign.items()}
                less = {key: value for key, value in values.items() if key not in foreign}
                for what, make in (
                    ("create", partial(people.create, {**values, **foreign})),
                    ("default", partial(people.with_context(**defaults).create, less)),
                    ("write", partial(self.written, people, values, foreign)),
                ):
                    label = f"{what} {model} with {foreign}"
                    self.attempt(role, label, make, self.read_all)
                    for method in methods:
                        if method not in ("create", "write", "unlink", "default_get"):
                            runs = self.running(method)
                            self.attempt(role, f"{label}, {method}", make, runs)

    def written(self, people, values, foreign):
        """Make a record, and put another's id into it then."""
        record = people.create(values)
        record.write(foreign)
        return record

    def read_all(self, record):
        """Read a record as its form does: each field, and the names behind its links."""
        self.env.flush_all()
        self.env.invalidate_all()
        specification = {
            name: {"fields": {"display_name": {}}} if field["type"] in RELATIONS else {}
            for name, field in record.fields_get().items()
        }
        return (record.web_read(specification),)

    def running(self, method):
        """Return a function that calls a method of a record and drops what it returns."""

        def run(record):
            parameters = inspect.signature(getattr(type(record), method)).parameters
            if any(each.default is each.empty for each in list(parameters.values())[1:]):
                return ()
            return (getattr(record, method)(),)

        return run

    def test_fields_of_odoos_own_records(self):
        """What the addon adds to users, teams and companies takes nothing of another company."""
        for model, rows in FIELDS.items():
            if model in MODELS or model == "res.config.settings":
                continue
            for names, _readers, writers in rows:
                for name in names.split():
                    field = self.env[model]._fields[name]
                    record = self.seen_by("boss", self.own[model])
                    for foreign in self.foreign_value(record, field) if writers else ():
                        with self.subTest(field=name), self.assertRaises(UserError):
                            with self.env.cr.savepoint():
                                record.write(foreign)


RELATIONS = ("many2one", "one2many", "many2many", "many2one_reference", "reference")
