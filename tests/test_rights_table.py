import json
from datetime import timedelta
from itertools import chain

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.sql import column_exists

from .common import LONG
from .rights import ADDON, RightsCase
from .rights_table import ALL, FIELDS, MODELS, ROLES
from .test_rpc_surface import METHODS, split

OPERATIONS = ("read", "write", "create", "unlink")
# What Odoo gives every model
MAGIC = frozenset("id display_name create_uid create_date write_uid write_date".split())


def is_ours(model):
    """Return whether this addon's own code declares or extends a model."""
    return any(
        getattr(part, "__module__", "").startswith(ADDON)
        and model._name in (getattr(part, "_name", None), part.__dict__.get("_inherit"))
        for part in type(model).__mro__
    )


def own_models(env):
    """Return the names of the models with records that this addon makes."""
    return {
        name
        for name in env.registry
        if env[name]._original_module == "airtel_ccp" and not env[name]._abstract
    }


def own_fields(env):
    """Return the names of the fields that this addon makes, by model, Odoo's own models too."""
    found = {}
    for name in env.registry:
        model = env[name]
        names = {
            field.name
            for field in model._fields.values()
            if "airtel_ccp" in field._modules and field.name not in MAGIC
        }
        if names and not model._abstract and is_ours(model):
            found[name] = names
    return found


def tabled_fields():
    """Return the names of the fields in the table, by model."""
    return {
        model: set(chain.from_iterable(row[0].split() for row in rows))
        for model, rows in FIELDS.items()
    }


@tagged("post_install", "-at_install")
class TestRightsTable(RightsCase, HttpCase):
    """Who may do what: the table, asked for each role, model, field and operation."""

    def setUp(self):
        super().setUp()
        self.own = self.make_own()
        self.open_dialogs()
        self.env.flush_all()
        self.env.invalidate_all()

    def open_dialogs(self):
        """Have the first reader of each transient model open one of its dialogs."""
        for model in sorted(set(MODELS) & own_models(self.env)):
            if self.env[model]._transient:
                owner = self.people[MODELS[model][0].split()[0]]
                opened = self.env[model].with_user(owner).create(self.values_of(model))
                self.own[model] = opened.with_env(self.env)
        settings = self.env["res.config.settings"].with_user(self.people["administrator"])
        self.own["res.config.settings"] = settings.create({}).with_env(self.env)

    # The table is whole

    def test_every_model_has_a_row(self):
        for model in own_models(self.env) - set(MODELS):
            self.fail(
                f"The model {model} is in no table: add a row to MODELS in tests/rights_table.py "
                "that says who reads, writes, creates and deletes its records."
            )
        self.assertEqual(set(MODELS) - own_models(self.env), set(), "rows of models that are gone")

    def test_every_model_has_a_record(self):
        for model in MODELS:
            if model not in self.own:
                self.fail(
                    f"No test has a record of {model}: add one to make_own in tests/rights.py, or, "
                    "of a dialog, what it is opened with to values_of."
                )

    def test_every_field_has_a_row(self):
        tabled = tabled_fields()
        missing = {
            model: left
            for model, names in own_fields(self.env).items()
            if (left := sorted(names - tabled.get(model, set())))
        }
        self.assertFalse(
            missing,
            "These fields are in no table: add each to a row of its model in FIELDS of "
            "tests/rights_table.py whose roles read it, or add such a row.",
        )
        for model, names in tabled.items():
            gone = names - own_fields(self.env).get(model, set())
            self.assertEqual(gone, set(), f"rows of fields that {model} does not have")

    def test_every_dialog_is_its_users_own(self):
        """Whoever may open such a dialog too neither sees nor changes nor runs another's."""
        for model in sorted(set(MODELS) & own_models(self.env)):
            if not self.env[model]._transient:
                continue
            readers, writers, _creators, deleters = MODELS[model]
            self.assertEqual(
                len(set(f"{readers} {writers} {deleters}".split())),
                1,
                f"{model} is a dialog: give it a record rule by which it is its user's own, see "
                "security/ccp_security.xml, and one reader in MODELS.",
            )

    # Records

    def test_records(self):
        wrong = []
        for model, row in MODELS.items():
            for operation, roles in zip(OPERATIONS, row, strict=True):
                expected = set(roles.split())
                for role in ROLES:
                    answer = self.try_out(role, model, operation)
                    if self.went_through(answer) != (role in expected):
                        verb = "may not" if role in expected else "may"
                        wrong.append(f"{role} {verb} {operation} {model}: {answer!r}")
        self.assertFalse(wrong, "\n".join(wrong[:50]))

    def try_out(self, role, model, operation):
        """Return what a person of a role gets who does one thing with the record of a model."""
        record = self.seen_by(role, self.own[model])
        if operation == "create":
            return self.ask(record.browse(), "create", [self.values_of(model) or {}])
        if operation == "read":
            found = self.ask(record.browse(), "search_read", [["id", "=", record.id]], ["id"])
            answer = self.ask(record, "read", ["id"])
            self.assertEqual(self.is_refused(found), self.is_refused(answer), (role, model))
            return answer
        return self.ask(record, operation, *([{}] if operation == "write" else []))

    def went_through(self, answer):
        """Return whether an operation was allowed, even if it failed for another reason."""
        # What is used elsewhere is not deleted, whoever asks
        if isinstance(answer, (psycopg2.IntegrityError, UserError)):
            return not isinstance(answer, AccessError)
        return not self.is_refused(answer)

    def test_copies(self):
        """A copy reads the record and creates another one: both rights are needed."""
        for model, (readers, _writers, creators, _deleters) in MODELS.items():
            both = set(readers.split()) & set(creators.split())
            one = set(readers.split()) ^ set(creators.split())
            for role in ROLES:
                # The short form tries those who have one of them
                if role not in both and (LONG or role in one):
                    with self.subTest(role=role, model=model):
                        answer = self.ask(self.seen_by(role, self.own[model]), "copy")
                        self.assertIsInstance(answer, AccessError)

    def test_dialogs_run_for_their_user_only(self):
        for name in METHODS:
            model, method = split(name)
            if model not in MODELS or not self.env[model]._transient or method == "default_get":
                continue
            for role in ROLES:
                if role not in MODELS[model][0].split() and method != "action_open":
                    with self.subTest(role=role, method=name):
                        answer = self.ask(self.seen_by(role, self.own[model]), method)
                        self.assertIsInstance(answer, AccessError)

    # Fields

    def readers(self, model, roles):
        """Return the roles that read some fields of the record of a model."""
        if model in MODELS:
            of_record = set(MODELS[model][0].split())
        else:
            of_record = {role for role in ROLES if self.sees(role, model)}
        return of_record if roles == ALL else of_record & set(roles.split())

    def sees(self, role, model):
        """Return whether a person of a role reads the record of a model at all."""
        return not self.is_refused(self.ask(self.seen_by(role, self.own[model]), "read", ["id"]))

    def test_fields_are_read_by_those_who_may(self):
        for model, rows in FIELDS.items():
            for names, roles, *_more in rows:
                for role in self.readers(model, roles):
                    with self.subTest(model=model, role=role):
                        record = self.seen_by(role, self.own[model])
                        answer = self.ask(record, "read", names.split())
                        self.assertFalse(self.is_refused(answer), answer)

    def test_fields_are_hidden_from_others(self):
        """Also in a condition, an order, a group or a sum, whose results would reveal them."""
        reached = []
        self.turn = 0
        for model, rows in FIELDS.items():
            of_record = self.readers(model, ALL)
            for names, roles, *_more in rows:
                entitled = self.readers(model, roles)
                for role in ROLES:
                    if role in entitled:
                        continue
                    record = self.seen_by(role, self.own[model])
                    # Who does not see the record sees no field of it: the short form tries one
                    tried = names.split() if LONG or role in of_record else names.split()[:1]
                    reached += [
                        f"{role} reaches {model}.{name} by {way}"
                        for name in tried
                        for way in self.ways_to(record, name, role in of_record)
                    ]
        self.assertFalse(reached, "\n".join(reached[:50]))

    def ways_to(self, record, name, sees_record):
        """Yield the ways by which a person gets at a field of a record."""
        this = ["id", "=", record.id]
        field = record._fields[name]
        asked = [("read", [name]), ("web_read", {name: {}})]
        if field._description_searchable:
            value = self.value_of(record, field)
            asked += [("search_count", [[name, "in", [value]], this])]
            asked += [("search_count", [[name, "not in", [value]], this])]
        if field.store or field.related:
            asked += [
                ("search_read", [this], ["id"], 0, None, name),
                ("formatted_read_group", [this], [name], ["__count"]),
                ("formatted_read_group", [this], [], [f"{name}:array_agg"]),
            ]
        asked.append(("export_data", [name]))
        # Figures of one's own calls are known to be there, and so is what each user has
        is_own = record._name == "res.users" and name in record.SELF_READABLE_FIELDS
        if sees_record and field.groups and not is_own:
            asked.append(("fields_get", [name]))
        if not LONG:
            # The short form reads, and tries one other way, which differs from field to field
            self.turn += 1
            asked = [asked[0], asked[1 + self.turn % (len(asked) - 1)]]
        for method, *arguments in asked:
            answer = self.ask(record, method, *arguments)
            if isinstance(answer, (ValueError, UserError, NotImplementedError)):
                # Odoo cannot sort or group by it, or takes the field for one that does not exist
                continue
            if method == "formatted_read_group":
                answer = [each for each in answer if self.tells(each)]
            elif method == "export_data":
                answer = any(map(any, answer["datas"]))
            if not self.is_refused(answer):
                yield f"{method} {arguments}"

    def value_of(self, record, field):
        """Return what a field holds, as a condition would guess it."""
        if not field.store or field.type in ("json", "binary", "properties", "html"):
            return False
        value = record.sudo()[field.name]
        if field.relational:
            return value.ids[0] if value else False
        return value

    def tells(self, group):
        """Return whether a group of records says anything about one."""
        values = [each for name, each in group.items() if name != "__extra_domain"]
        return any(any(each) if isinstance(each, list) else each for each in values)

    def test_fields_are_written_by_those_who_may(self):
        wrong = []
        for model, rows in FIELDS.items():
            for names, roles, *more in rows:
                if more:
                    writers = set(more[0].split())
                else:
                    writers = set(MODELS[model][1].split()) & self.readers(model, roles)
                kept = [name for name in names.split() if self.is_kept(model, name)]
                for role in ROLES:
                    # The short form tries those whose rights differ from those on the record
                    differ = role in writers or more or role in MODELS[model][1].split()
                    some = kept if LONG or role in writers else kept[: bool(differ)]
                    for name in some:
                        may = self.may_write(role, model, name)
                        if may != (role in writers):
                            wrong.append(
                                f"{role} {'may' if may else 'may not'} write {model}.{name}"
                            )
        self.assertFalse(wrong, "\n".join(wrong[:50]))

    def is_kept(self, model, name):
        """Return whether what is written into a field is kept anywhere."""
        field = self.env[model]._fields[name]
        has_place = field.type in ("many2many", "one2many") or (
            column_exists(self.env.cr, self.env[model]._table, name)
        )
        return bool(field.inverse or (field.store and has_place and not field.related))

    def may_write(self, role, model, name):
        """Return whether a person of a role may write what is there into a field once more."""
        record = self.own[model]
        value = record._fields[name].convert_to_write(record.sudo()[name], record)
        if isinstance(value, list):
            value = []
        self.env.invalidate_all()
        answer = self.ask(self.seen_by(role, record), "write", {name: value})
        return not isinstance(answer, AccessError)

    # Other ways

    def test_nothing_comes_through_links(self):
        """From what somebody sees, links lead to what that one may not see."""
        call = self.own["ccp.call"]
        call.write({"customer_name": "CANARY name", "note": "CANARY note"})
        self.env.flush_all()
        for role in ROLES:
            followed = set()
            for model, record in self.own.items():
                seen = self.seen_by(role, record)
                for name, comodel in self.links_of(seen):
                    with self.subTest(role=role, link=f"{model}.{name}", to=comodel):
                        if record[name] and role not in MODELS["ccp.call"][0].split():
                            self.follow(seen, name, comodel)
                        # What a link leads to is read in one way: the short form tries it once
                        if LONG or (record[name] and comodel not in followed):
                            self.follow_to_hidden(seen, name, comodel)
                            followed.add(comodel)

    def links_of(self, seen):
        """Yield the fields by which a person gets from a record to one of ours, and whereto."""
        if not seen.has_access("read"):
            return
        for name, field in seen._fields.items():
            if name in MAGIC or not seen._has_field_access(field, "read"):
                continue
            if field.relational and field.comodel_name in {*MODELS, *FIELDS}:
                yield name, field.comodel_name
            elif field.type in ("reference", "many2one_reference"):
                yield name, "ccp.call"

    def follow(self, seen, name, comodel):
        """Ask for all that somebody who does not see the call may read behind a link."""
        target = self.env[comodel].with_user(seen.env.user)
        known = target.fields_get(tabled_fields()[comodel])
        asked = dict.fromkeys((each for each in known if target._fields[each].store), {})
        text = repr(self.ask(seen, "web_read", {name: {"fields": {**asked, "display_name": {}}}}))
        self.assertFalse("CANARY name" in text or "CANARY note" in text, text)

    def follow_to_hidden(self, seen, name, comodel):
        """Ask for each field behind a link that somebody may not read, alone."""
        names = tabled_fields()[comodel]
        for hidden in names - set(self.env[comodel].with_user(seen.env.user).fields_get(names)):
            answer = self.ask(seen, "web_read", {name: {"fields": {hidden: {}}}})
            if not isinstance(answer, Exception):
                told = [each for row in answer for each in self.inner_rows(row[name])]
                self.assertFalse([row for row in told if row.get(hidden)], hidden)

    def inner_rows(self, value):
        """Return the records that web_read put behind a link."""
        rows = value if isinstance(value, list) else [value]
        return [row for row in rows if isinstance(row, dict)]

    def test_odd_specifications(self):
        """An odd question gets Odoo's own answer, on our models as on its own."""
        for odd in (
            {"id": {"fields": None}},
            {"display_name": None},
            {"create_uid": {"fields": []}},
            {"create_uid": {"fields": {"no_such_field": {}}}},
            {"create_uid": {"fields": {"name": {}}, "order": "token_digest", "limit": "x"}},
            {"no_such_field": {}},
            ["id"],
        ):
            kinds = {
                type(self.ask(self.seen_by("rep", self.own[model]), "web_read", odd)).__name__
                for model in ("res.partner", "ccp.call", "ccp.call.list.item", "ccp.call.event")
            }
            with self.subTest(odd=odd):
                self.assertEqual(len(kinds), 1, kinds)

    def test_nobody_says_by_defaults_what_the_system_writes(self):
        """Neither a request's context nor a user's own defaults reach into such a record."""
        for model, row in MODELS.items():
            if row[2] or not self.env[model]._auto:
                continue
            records = self.env[model].with_user(self.rep).sudo()
            plain = records._add_missing_default_values({})
            said = {
                field.name: self.said(field)
                for field in records._fields.values()
                if field.store and field.name not in MAGIC
            }
            context = {f"default_{name}": value for name, value in said.items()}
            self.env["ir.default"].sudo().create(
                [
                    {
                        "field_id": self.env["ir.model.fields"]._get(model, name).id,
                        "user_id": self.rep.id,
                        "json_value": json.dumps(value),
                    }
                    for name, value in said.items()
                    if not isinstance(value, list)
                ]
            )
            found = records.with_context(**context)._add_missing_default_values({})
            with self.subTest(model=model):
                self.assertEqual(set(found), set(plain))
                changed = [name for name in found if found[name] == said[name] != plain[name]]
                self.assertEqual(changed, [])

    def said(self, field):
        """Return a value for a field that nobody may say."""
        if field.relational:
            record = self.own.get(field.comodel_name) or self.env[field.comodel_name].search(
                [], limit=1
            )
            return record.id if field.type == "many2one" else [Command.link(record.id)]
        if field.type == "selection":
            return field.get_values(self.env)[-1]
        if field.type == "boolean":
            return not (field.default and field.default(self.env[field.model_name]))
        return {
            "integer": 7,
            "float": 7.0,
            "monetary": 7.0,
            "datetime": "2020-01-01 00:00:00",
            "json": [7],
            "many2one_reference": 7,
            "binary": False,
        }.get(field.type, "said")

    def test_a_click_says_nothing_by_defaults(self):
        """With such a default a call would not occupy the line, or be in no figure."""
        for name, value in (("live", False), ("trial", True), ("imported", True), ("note", "x")):
            self.env["ir.default"].with_user(self.rep).set("ccp.call", name, value, user_id=True)
        context = {
            "default_live": False,
            "default_manual": True,
            "default_talk_seconds": 7,
            "default_partner_ids": self.partner.ids,
        }
        call = self.place(self.lead.with_context(**context))
        self.assertTrue(call.live)
        self.assertFalse(call.trial or call.imported or call.manual or call.note)
        self.assertFalse(call.talk_seconds)
        self.assertFalse(call.card_message_ids.partner_ids)

    def test_json_2(self):
        """The newer way of programs, with keys of their users' own."""
        until = fields.Datetime.now() + timedelta(days=1)
        keys = {
            role: self.env["res.users.apikeys"].with_user(user)._generate("rpc", "test", until)
            for role, user in self.people.items()
            if role != "public"
        }
        self.env.flush_all()
        wrong = []
        for turn, (model, (readers, *_others)) in enumerate(MODELS.items()):
            domain = [["id", "=", self.own[model].id]]
            for position, (role, key) in enumerate(keys.items()):
                if not LONG and (turn + position) % 4:
                    # It is the gate of the other tests, so the short form knocks now and then
                    continue
                answer = self.url_open(
                    f"/json/2/{model}/search_read",
                    data=json.dumps({"domain": domain, "fields": ["id"]}),
                    headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
                )
                reads = answer.status_code == 200 and bool(answer.json())
                if reads != (role in readers.split()):
                    wrong.append(f"{role} {model}: {answer.status_code} {answer.text[:100]}")
        self.assertFalse(wrong, "\n".join(wrong[:50]))
