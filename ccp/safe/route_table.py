# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Who takes whose calls, on disk, for times when the database cannot be asked.

It is one SQLite file, written completely under a temporary name and then renamed, so a reader sees
the old one or the new one, also over NFS. It contains no customer's phone number: numbers are
hashed with a key in the same folder.
"""

import hmac
import json
import os
import secrets
import sqlite3
import struct
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

NAME = "route.sqlite"
VERSION = 1
MAX_ENTRIES = 4
"""How many entries of one number are kept."""

_HASH_BYTES = 10
# Reason, user, model and record: ten bytes
_ENTRY = struct.Struct(">BIBI")
_CHUNK = 10_000
_NO_ID = 0


class Entry(NamedTuple):
    """A user to whom a number belongs; reason and model are codes of the table's writer."""

    reason: int
    user_id: int
    model: int = 0
    res_id: int = _NO_ID


class RouteTable:
    """The table of one database, for reading and writing."""

    def __init__(self, folder):
        """:param folder: the database's spool folder"""
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._lock = threading.Lock()
        self._stamp = None
        self._connection = None
        self._about = None

    def build(self, key: bytes, about: dict, numbers: Iterable[tuple[int, str, Entry]]) -> int:
        """Write a new table, and put it in place.

        :param key: the key for hashing numbers
        :param about: all other facts, in a form that JSON stores
        :param numbers: company, last ten digits and entry; entries of one number in the order of
            their importance
        :return: how many numbers it contains
        :raises OSError: if the folder refuses it
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f"{os.getpid()}-{secrets.token_hex(4)}.part"
        try:
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            count = self._fill(part, key, about, numbers)
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            part.replace(self.path)
        except sqlite3.Error as error:
            raise OSError(f"the table cannot be written ({type(error).__name__})") from None
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return count

    def _fill(self, part, key, about, numbers):
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA page_size = 4096")
            connection.execute("CREATE TABLE about (version INTEGER, content TEXT)")
            connection.execute(
                "CREATE TABLE number (hash BLOB PRIMARY KEY, entries BLOB) WITHOUT ROWID"
            )
            connection.execute("BEGIN")
            connection.execute("INSERT INTO about VALUES (?, ?)", (VERSION, json.dumps(about)))
            rows = (
                (_hash(key, company_id, digits), _ENTRY.pack(*entry))
                for company_id, digits, entry in numbers
            )
            most = MAX_ENTRIES * _ENTRY.size
            # An upsert appends entries in the order in which they come
            connection.executemany(
                f"""
                INSERT INTO number VALUES (?, ?)
                    ON CONFLICT (hash) DO UPDATE
                   SET entries = CAST(entries || excluded.entries AS BLOB)
                 WHERE length(entries) < {most}
                """,
                rows,
            )
            connection.execute("COMMIT")
            # Rows came in random order: pages are half full until VACUUM writes them again
            connection.execute("VACUUM")
            return connection.execute("SELECT count(*) FROM number").fetchone()[0]

    def remove(self):
        """Delete the table, if it exists.

        :raises OSError: if the folder refuses that
        """
        self.path.unlink(missing_ok=True)

    def about(self) -> dict | None:
        """Return the facts that ``build`` got beside the numbers; None without a readable table."""
        with self._lock:
            return self._about if self._open() else None

    def find(self, key: bytes, company_id: int, digits: str) -> tuple[Entry, ...]:
        """Return the entries of a number, the most important one first; empty if it is unknown.

        :param key: the key for hashing numbers
        :param company_id: the company that is called
        :param digits: the last ten digits
        """
        with self._lock:
            if not self._open():
                return ()
            try:
                row = self._connection.execute(
                    "SELECT entries FROM number WHERE hash = ?", (_hash(key, company_id, digits),)
                ).fetchone()
            except sqlite3.Error:
                self._close()
                return ()
        packed = row[0] if row else b""
        whole = len(packed) - len(packed) % _ENTRY.size
        return tuple(Entry(*each) for each in _ENTRY.iter_unpack(packed[:whole]))

    def built_at(self) -> float | None:
        """Return when the table was written, in seconds since 1970; None if there is none."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return None

    def _open(self) -> bool:
        """Open the present table, and close a former one."""
        try:
            found = self.path.stat()
        except OSError:
            self._close()
            return False
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp == self._stamp:
            return self._connection is not None
        self._close()
        self._stamp = stamp
        try:
            # Immutable: nobody writes into it, so SQLite needs no lock, which NFS may lack
            address = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            version, content = self._connection.execute("SELECT * FROM about").fetchone()
            self._about = json.loads(content) if version == VERSION else None
        except (sqlite3.Error, ValueError, TypeError):
            self._about = None
        if not isinstance(self._about, dict):
            # Remembered as unreadable until it is replaced
            self._close()
            self._stamp = stamp
        return self._connection is not None

    def _close(self):
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = self._about = self._stamp = None


def _hash(key: bytes, company_id: int, digits: str) -> bytes:
    return hmac.digest(key, f"{company_id}:{digits}".encode(), "sha256")[:_HASH_BYTES]
