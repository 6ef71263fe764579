"""``make guards``: removes each guard, in a copy, and checks that its test catches the removal.

A guard whose removal no test catches may be lost in the next change. ``docs/reliability.md`` lists
the guards, too.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..machine import postgres
from ..machine.configuration import write_variant
from ..machine.database import Databases
from ..machine.errors import ToolError
from ..machine.layout import ADDON, Layout, Settings
from ..machine.programs import environ_with_programs
from . import setup
from .lint import copy_files, source_files
from .test import odoo_options

DATABASE = f"{ADDON}_guards"
TEST_SECONDS = 600


@dataclass(frozen=True)
class Guard:
    """One guard, how it is removed, and the test that must notice.

    :param path: the file that changes; empty if only the database does.
    :param old: the code with the guard, which occurs once.
    :param new: the code without the guard.
    :param sql: removes the guard in the database.
    :param test: a file of tests, and the name of a test in it.
    """

    name: str
    test: str
    path: str = ""
    old: str = ""
    new: str = ""
    sql: str = ""


GUARDS = (
    Guard(
        "the row is committed in a cursor of its own",
        "tests/live/test_restart_and_update.py::test_everything_ends_in_the_middle_of_a_call",
        path="models/ccp_call_dial.py",
        old="                cr = stack.enter_context(self.env.registry.cursor())\n"
        "                env = self.env(cr=cr)\n",
        new="                env = self.env\n",
    ),
    Guard(
        "the answer to a click outlives the replay of its request",
        "tests/live/test_whole_call.py::test_replay_after_a_serialization_failure_sends_one_post",
        path="models/ccp_call_dial.py",
        old="if request else {}\n        if click not in placed:",
        new="if request else {}\n        if True:",
    ),
    Guard(
        "one live call for an agent, as an index",
        "tests/test_one_live_call.py::TestOneLiveCall",
        sql="DROP INDEX ccp_call_live_agent_uniq",
    ),
    Guard(
        "one row for a report, as an index",
        "tests/live/test_concurrency.py::test_the_same_report_many_times_at_once",
        sql="DROP INDEX ccp_call_event__call_id_index",
    ),
    Guard(
        "nobody else folds a call that is being folded",
        "tests/live/test_restart_and_update.py::test_two_runs_of_the_folding_action_never_take_the_same_call",
        path="models/ccp_call_fold_queue.py",
        old=" FOR NO KEY UPDATE SKIP LOCKED",
        new="",
    ),
    Guard(
        "caps are counted by one at a time",
        "tests/live/test_concurrency.py::test_a_limit_holds_exactly",
        path="models/ccp_call_dial.py",
        old="dialer.with_env(self.env(cr=lock_cr))._lock_caps(plan.company)",
        new="pass",
    ),
    Guard(
        "an agent pauses between two calls",
        "tests/test_guard.py::TestGuard::test_pause",
        path="models/ccp_dialer_rules.py",
        old="return 0 if account.is_trial else company.sudo().ccp_pause_seconds",
        new="return 0",
    ),
    Guard(
        "the blacklist holds for agents' own phones",
        "tests/test_agent_phones.py::TestAgentPhones"
        "::test_a_phone_that_was_blacklisted_later_is_not_rung",
        path="models/ccp_dialer_rules.py",
        old="for each in (*customer_numbers, *agent_numbers)),",
        new="for each in customer_numbers),",
    ),
    Guard(
        "a phone is one active user's",
        "tests/test_agent_phones.py::TestAgentPhones::test_a_phone_is_one_users",
        path="models/res_users_phones.py",
        old="owner = self._ccp_owner_of(phone) if self.sudo().active else self.browse()",
        new="owner = self.browse()",
    ),
    Guard(
        "an agent's phone is read by that agent and administrators",
        "tests/test_agent_phones.py::TestWhoReadsPhones::test_nobody_else_reads_or_probes_them",
        path="models/res_users.py",
        old='"My phone",\n        copy=False,\n        groups="base.group_system",',
        new='"My phone",\n        copy=False,',
    ),
    Guard(
        "the token belongs to a call",
        "tests/test_webhook.py::TestWebhook::test_wrong_token",
        sql="CREATE OR REPLACE FUNCTION ccp_call_of_token(wanted varchar, moment timestamp)"
        " RETURNS TABLE (call_id integer, header varchar, header_required boolean, bound varchar)"
        " LANGUAGE sql AS 'SELECT id, header_digest, false, null::varchar FROM ccp_call LIMIT 1'",
    ),
    Guard(
        "the secret header is that of the call",
        "tests/test_webhook.py::TestWebhook::test_secret_header",
        path="models/report_store.py",
        old='is_right = hmac.compare_digest(header_digest, wanted or "")',
        new="is_right = True",
    ),
    Guard(
        "only a signed token is kept without the database",
        "tests/live/test_database_away.py::test_a_foreign_token_is_asked_to_come_again_and_leaves_nothing",
        path="ccp/safe/spool.py",
        old="return len(key) == _KEY_BYTES and hmac.compare_digest(_sign(key, random), signature)",
        new="return True",
    ),
    Guard(
        "a connection that ends sets no report aside",
        "tests/live/test_database_away.py"
        "::test_a_connection_that_dies_while_they_are_taken_in_loses_nothing",
        path="models/ccp_call_event_spool.py",
        old="            if is_gone(self.env.cr):\n",
        new="            if False:\n",
    ),
    Guard(
        "what others hold is waited for",
        "tests/live/test_seen_at_once.py"
        "::TestSeenAtOnce::test_a_call_that_is_held_for_a_moment_is_folded_by_the_same_run",
        path="models/contention.py",
        old="        elif waited < WAIT_SECONDS:\n",
        new="        elif False:\n",
    ),
    Guard(
        "a connection that is gone is known as such, whatever the error",
        "tests/live/test_set_aside.py"
        "::TestSetAside::test_a_crash_of_postgresql_is_known_as_a_lost_connection",
        path="models/contention.py",
        old='            cursor.execute("SELECT 1")\n',
        new="            pass\n",
    ),
    Guard(
        "workers go on when one cannot be replaced",
        "tests/live/test_database_away.py::test_a_worker_that_ends_takes_no_other_along",
        path="server_wide.py",
        old="        keep_serving()\n",
        new="        return\n",
    ),
    Guard(
        "a body has a limit",
        "tests/test_webhook.py::TestWebhook::test_too_large_however_it_is_sent",
        path="controllers/intake.py",
        old="if len(raw) > MAX_BODY_BYTES:",
        new="if not raw and raw:",
    ),
    Guard(
        "recordings come from allowed hosts",
        "tests/test_recording.py::TestRecording::test_hosts_that_are_not_allowed",
        path="ccp/safe/download.py",
        old="if target is None or not hosts.allows(target):",
        new="if target is None:",
    ),
    Guard(
        "a recording's host does not lead inside",
        "ccp/tests/test_download.py::test_a_listed_name_that_leads_to_a_private_address",
        path="ccp/safe/download.py",
        old="_checked_addresses(target, hosts.names_origin(target))",
        new="_checked_addresses(target, True)",
    ),
    Guard(
        "recordings leave a worker free",
        "tests/test_listening.py::TestStreams::test_all_but_one_worker_may_send",
        path="models/streams.py",
        old='config["workers"] - 1 if config["workers"]',
        new='config["workers"] if config["workers"]',
    ),
    Guard(
        "a row of the access list: reports",
        "tests/test_rights_table.py::TestRightsTable::test_records",
        sql="UPDATE ir_model_access SET group_id = NULL WHERE name = 'ccp.call.event.user'",
    ),
    Guard(
        "a row of the access list: nobody writes calls",
        "tests/test_rights_table.py::TestRightsTable::test_records",
        sql="UPDATE ir_model_access SET perm_write = true WHERE name = 'ccp.call.user'",
    ),
    Guard(
        "a record rule: own calls only",
        "tests/test_rights_table.py::TestRightsTable::test_records",
        sql="UPDATE ir_rule SET active = false WHERE id = (SELECT res_id FROM ir_model_data"
        " WHERE module = 'airtel_ccp' AND name = 'ccp_call_rule_user')",
    ),
    Guard(
        "a record rule: calls of one's companies only",
        "tests/test_rights.py::TestRights::test_companies_stay_apart",
        sql="UPDATE ir_rule SET active = false WHERE id = (SELECT res_id FROM ir_model_data"
        " WHERE module = 'airtel_ccp' AND name = 'ccp_call_rule_company')",
    ),
    Guard(
        "posting a call's card changes the call's row",
        "tests/live/test_one_card.py::TestOneCard::test_the_click_knows_neither_the_report_nor_its_fold",
        path="models/ccp_call_chatter.py",
        old="                 WHERE call.id = link.call_id\n",
        new="                 WHERE call.id = link.call_id AND false\n",
    ),
    Guard(
        "the token is masked in the access log",
        "tests/test_webhook.py::TestWebhook::test_access_log_masks_the_token",
        path="controllers/access_log.py",
        old="masked = SECRETS.sub(MASKED, ROUTED.sub(MASKED, text))",
        new="masked = text",
    ),
)


def main(layout: Layout, settings: Settings) -> int:
    """Try each guard, or with ``ARGS`` those whose name contains that text.

    :return: 1 if a removal is not caught, because a test passes without its guard.
    """
    wanted = os.environ.get("ARGS", "")
    guards = [guard for guard in GUARDS if wanted in guard.name]
    tree = setup.prepare(layout, settings, with_browser=False)
    caught = 0
    with postgres.server(layout, settings, tests=True) as server:
        databases = Databases(layout, tree, server, demo=False)
        databases.ensure(DATABASE, fresh=True)
        environ = server.full_environ(environ_with_programs(layout))
        for guard in guards:
            with databases.copy_for_a_run(DATABASE) as name:
                if guard.sql:
                    databases.query(name, guard.sql)
                reason = _try(layout, guard, name, environ)
            print(outcome(guard, reason), flush=True)
            caught += bool(reason)
    print(f"{len(guards)} guards removed, {caught} caught")
    return 0 if caught == len(guards) else 1


def outcome(guard: Guard, reason: str) -> str:
    """Return the lines that say whether a guard's removal was caught.

    :param reason: why its test failed without it; empty if it passed.
    """
    if not reason:
        return f"NOT CAUGHT  {guard.name}: {guard.test}"
    return f"caught      {guard.name}: {guard.test}\n            {reason}"


def _try(layout: Layout, guard: Guard, database: str, environ: Mapping[str, str]) -> str:
    """Run a guard's test without the guard, and return why it failed; empty when it passed.

    :raises ToolError: when the guard is not where it should be, or the test did not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        addon = Path(folder, "addons", ADDON)
        copy_files(layout.root, addon, source_files(layout.root))
        if guard.path:
            _take_away(addon / guard.path, guard)
        config = Path(folder, "odoo.conf")
        write_variant(layout.config, config, addon.parent, replaced=True)
        file, _mark, test = guard.test.partition("::")
        command = [str(layout.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [str(addon / file), "-k", test.replace("::", " and ")]
        if file.startswith("tests/"):
            command += odoo_options(addon, config, database)
        return _reason(command, environ, folder, guard)


def _reason(command: Sequence[str], environ: Mapping[str, str], folder: str, guard: Guard) -> str:
    result = subprocess.run(
        command, env=dict(environ), cwd=folder, capture_output=True, text=True, timeout=TEST_SECONDS
    )
    if result.returncode not in (0, 1) or not re.search(" (failed|passed)", result.stdout):
        tail = "\n".join(result.stdout.splitlines()[-15:])
        raise ToolError(f"The test {guard.test} could not run:\n{tail}")
    if result.returncode == 0:
        return ""
    found = re.search(r"^E +(\S.*)$", result.stdout, re.MULTILINE)
    return found[1][:100] if found else "failed"


def _take_away(path: Path, guard: Guard) -> None:
    text = path.read_text()
    if text.count(guard.old) != 1:
        raise ToolError(f"{guard.path} does not hold the guard once: {guard.name}.")
    path.write_text(text.replace(guard.old, guard.new))
