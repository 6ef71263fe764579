"""Made-up values that no copy may hold after an act, and a search of everything for them.

The search reads every column that can hold a text, of every table that there is: a new table, or a
copy that another addon makes, is found without a change here.
"""

import base64
import binascii
import contextlib
import gzip
import io
import re
import zipfile
from pathlib import Path

import psycopg2.sql

from ..ccp.safe import number

NAME = "Zebulon O'Quagmire & Sons"
DIGITS = "7000000198"
# As people and Airtel write it
SPELLINGS = (
    f"+91{DIGITS}",
    f"0{DIGITS}",
    "70000 00198",
    "+91-70000-00198",
    "(+91) 7000-000-198",
)
# One for each way in, so that a test says which copy is left
NOTES = {
    way: f"pelargonium <{way}> & 'dawn'"
    for way in ("panel", "outcome", "follow-up", "logged", "entry", "dialog", "import")
}
ADDRESS = "https://rec.airtel.in/r?call=1&token=hidden-value"
_GAP = r"[^0-9A-Za-z]{0,3}"
# What cannot hold a text
_NO_TEXT = (
    "integer",
    "bigint",
    "smallint",
    "boolean",
    "date",
    "double precision",
    "numeric",
    "real",
    "timestamp without time zone",
    "timestamp with time zone",
)


def patterns(*tokens, address="hidden-value", kinds=()):
    """Return expressions, for Python and PostgreSQL, that find each canary however it is written.

    :param str tokens: tokens, their digests, or other values that are found as they are
    :param str address: what makes a recording's address worth having
    :param kinds: which of ``number``, ``mask``, ``name``, ``note``, ``token`` and ``address``;
        by default all
    :rtype: dict[str, str]
    """
    shown = re.escape(number.mask(DIGITS).partition("…")[0])
    found = {
        "number": _GAP.join(DIGITS),
        "mask": rf"{shown}(?:…|\\u2026|&#8230;){DIGITS[-2:]}",
        "name": "Quagmire",
        "note": "pelargonium",
        "token": "|".join(map(re.escape, filter(None, tokens))),
        "address": re.escape(address),
    }
    return {kind: each for kind, each in found.items() if each and (not kinds or kind in kinds)}


def search_database(cr, wanted):
    """Return the columns of all tables in which canaries are.

    :param cr: a cursor, Odoo's or psycopg2's own
    :param dict wanted: see ``patterns``
    :return: by table and column: the kinds of canaries
    :rtype: dict[tuple[str, str], set[str]]
    """
    cr.execute(
        """
        SELECT c.table_name, c.column_name, c.data_type
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = current_schema AND t.table_type = 'BASE TABLE'
           AND c.data_type != ALL(%s)
         ORDER BY 1, 2
        """,
        [list(_NO_TEXT)],
    )
    columns = cr.fetchall()
    # A search of nothing finds nothing
    assert len(columns) > 500, "the columns of a database with the addon"
    found = {}
    by_table = {}
    for table, column, kind in columns:
        if kind == "bytea":
            kinds = _kinds_in_files(_contents(cr, table, column), wanted)
            if kinds:
                found[table, column] = kinds
        else:
            by_table.setdefault(table, []).append(column)
    anything = "|".join(f"(?:{each})" for each in wanted.values())
    for table, names in by_table.items():
        for column in _columns_with(cr, table, names, anything):
            kinds = {
                kind for kind, each in wanted.items() if _columns_with(cr, table, [column], each)
            }
            found[table, column] = kinds
    return found


def _columns_with(cr, table, columns, pattern):
    """Return those columns of a table in which an expression finds something."""
    sql = psycopg2.sql
    cr.execute(
        sql.SQL("SELECT {} FROM {}")
        .format(
            sql.SQL(", ").join(
                sql.SQL("bool_or({}::text ~* %s)").format(sql.Identifier(column))
                for column in columns
            ),
            sql.Identifier(table),
        )
        .as_string(getattr(cr, "_cnx", None) or cr.connection),
        [pattern] * len(columns),
    )
    return [column for column, is_there in zip(columns, cr.fetchone(), strict=True) if is_there]


def _contents(cr, table, column):
    sql = psycopg2.sql
    cr.execute(
        sql.SQL("SELECT {0} FROM {1} WHERE {0} IS NOT NULL")
        .format(sql.Identifier(column), sql.Identifier(table))
        .as_string(getattr(cr, "_cnx", None) or cr.connection)
    )
    return [bytes(content) for (content,) in cr.fetchall()]


def search_folder(folder, wanted):
    """Return the files below a folder in which canaries are.

    :param folder: where to look
    :param dict wanted: see ``patterns``
    :return: by path within the folder: the kinds of canaries
    :rtype: dict[str, set[str]]
    """
    folder = Path(folder)
    found = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file():
            kinds = _kinds_in_files([path.read_bytes()], wanted)
            if kinds:
                found[str(path.relative_to(folder))] = kinds
    return found


def search_text(text, wanted):
    """Return the kinds of canaries in a text.

    :param str text: such as a log
    :param dict wanted: see ``patterns``
    :rtype: set[str]
    """
    return {kind for kind, each in wanted.items() if re.search(each, text, re.IGNORECASE)}


def _kinds_in_files(contents, wanted):
    kinds = set()
    for content in contents:
        for text in _texts(content):
            kinds |= search_text(text, wanted)
    return kinds


def _texts(content):
    """Return what a file says: as it is, unpacked, and read as base64."""
    texts = [content.decode("utf-8", "replace")]
    with_inside = [content]
    with contextlib.suppress(binascii.Error, ValueError):
        with_inside.append(base64.b64decode(content, validate=True))
        texts.append(with_inside[-1].decode("utf-8", "replace"))
    for each in with_inside:
        if each[:2] == b"\x1f\x8b":
            with contextlib.suppress(OSError, EOFError):
                texts.append(gzip.decompress(each).decode("utf-8", "replace"))
        if zipfile.is_zipfile(io.BytesIO(each)):
            with zipfile.ZipFile(io.BytesIO(each)) as archive:
                texts += [
                    archive.read(name).decode("utf-8", "replace") for name in archive.namelist()
                ]
    return texts
