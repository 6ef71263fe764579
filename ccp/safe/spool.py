# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Reports on disk, for times when the database cannot store them.

A token must be recognised without the database, so tokens are signed with a key that lies in the
reports' folder. A report is one file, either complete and durable or absent.
"""

import base64
import hmac
import json
import os
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

# The free space that reports leave on the disk for others
MIN_FREE_BYTES = 256 * 1024 * 1024
_RANDOM_BYTES = 24
_SIGNATURE_BYTES = 12
_KEY_BYTES = 32
_SUFFIX = ".report"
_ASIDE_SUFFIX = ".unreadable"


class SpoolFullError(OSError):
    """The disk has too little free space for reports."""


@dataclass(frozen=True)
class Spooled:
    """One report that waits on disk."""

    path: Path
    token_digest: str = field(repr=False)
    header_digest: str | None = field(repr=False)
    received_at: datetime
    """Aware, in UTC."""
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class Aside:
    """One file that was set aside because it could not be stored."""

    name: str
    reason: str
    """The name of an error; empty for files of versions that stored none."""
    tried_at: datetime
    """When it was last tried: aware, in UTC."""


def digest(secret):
    """Return the SHA-256 of a secret, which is stored instead of the secret.

    :param str secret: a token or header value
    :return: 64 hexadecimal digits
    :rtype: str
    """
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Spool:
    """The folder in which a database's reports wait, and the key that signs its tokens."""

    def __init__(self, folder, min_free_bytes=MIN_FREE_BYTES):
        """:param folder: need not exist yet
        :param int min_free_bytes: free space that reports leave on the disk
        """
        self.folder = Path(folder)
        self._min_free_bytes = min_free_bytes

    @property
    def _key_file(self):
        return self.folder / "key"

    def key(self):
        """Return this folder's key; create it if there is none yet.

        :rtype: bytes
        :raise OSError: when it can neither be read nor created
        """
        return self._make_key()

    def make_token(self):
        """Return a new random token, signed with this folder's key, which is created if needed.

        :rtype: str
        :raise OSError: when the key can neither be read nor created
        """
        random = secrets.token_bytes(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(random + _sign(self._make_key(), random)).decode()

    def knows(self, token):
        """Return whether a token was signed with this folder's key.

        :param str token: the last part of a notify URL
        :rtype: bool
        """
        try:
            key = self._key_file.read_bytes()
            content = base64.urlsafe_b64decode(token.encode("ascii"))
        except (OSError, ValueError):
            return False
        # Other encodings of the same bytes are other tokens, which the database does not know
        if base64.urlsafe_b64encode(content).decode() != token:
            return False
        random, signature = content[:_RANDOM_BYTES], content[_RANDOM_BYTES:]
        return len(key) == _KEY_BYTES and hmac.compare_digest(_sign(key, random), signature)

    def put(self, token, header, raw):
        """Store a report; afterwards it survives a power failure. A repeat is stored once.

        :param str token: the last part of the notify URL
        :param str | None header: the request's secret header
        :param bytes raw: the body as received
        :raise SpoolFullError: when the disk has too little free space
        :raise OSError: when the disk refuses it for another reason
        """
        # A renamed database may not have made a token since
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_room()
        about = {
            "token": digest(token),
            "header": None if header is None else digest(header),
            "at": datetime.now(timezone.utc).isoformat(),
        }
        name = sha256(f"{about['token']} {about['header']} ".encode() + raw).hexdigest()
        self._write(f"{name}{_SUFFIX}", json.dumps(about).encode() + b"\n" + raw)

    def check(self):
        """Check that a report could wait here now; create the folder and its key if needed.

        :raise SpoolFullError: when the disk has too little free space
        :raise OSError: when the folder cannot be used for another reason
        """
        self._make_key()
        self._write_part(b"").unlink()
        self._check_room()

    def _check_room(self):
        if shutil.disk_usage(self.folder).free < self._min_free_bytes:
            raise SpoolFullError("too little room on the disk")

    def names(self):
        """Return the names of the waiting reports.

        :rtype: list[str]
        :raise OSError: when the folder exists and cannot be read
        """
        return self._files(_SUFFIX)

    def aside(self):
        """Return the files that were set aside.

        :rtype: list[Aside]
        :raise OSError: when the folder exists and cannot be read
        """
        found = []
        for name in self._files(_ASIDE_SUFFIX):
            try:
                tried = (self.folder / name).stat().st_mtime
            except FileNotFoundError:  # taken back meanwhile
                continue
            reason = name.removesuffix(_ASIDE_SUFFIX).partition(".")[2]
            found.append(Aside(name, reason, datetime.fromtimestamp(tried, timezone.utc)))
        return found

    def _files(self, suffix):
        try:
            with os.scandir(self.folder) as entries:
                return sorted(entry.name for entry in entries if entry.name.endswith(suffix))
        except FileNotFoundError:
            return []

    def read(self, name):
        """Return a waiting report, or None if the file contains no report.

        :param str name: one of ``names()``
        :rtype: Spooled | None
        :raise OSError: when it cannot be read
        """
        path = self.folder / name
        line, _newline, raw = self.content(name).partition(b"\n")
        try:
            about = json.loads(line)
            return Spooled(
                path=path,
                token_digest=about["token"],
                header_digest=about["header"],
                received_at=datetime.fromisoformat(about["at"]),
                raw=raw,
            )
        except (ValueError, KeyError, TypeError):
            return None

    def content(self, name):
        """Return a file's content, whether it is a report or not.

        :param str name: one of ``names()``, or the name of one of ``aside()``
        :rtype: bytes
        :raise OSError: when it cannot be read
        """
        return (self.folder / name).read_bytes()

    def remove(self, name):
        """Delete a report that is in the database by now, or that nobody may keep.

        :param str name: one of ``names()``, or the name of one of ``aside()``
        :raise OSError: when it cannot be removed
        """
        (self.folder / name).unlink(missing_ok=True)

    def set_aside(self, name, reason):
        """Set a file aside that cannot be stored, until it is taken back.

        :param str name: one of ``names()``
        :param str reason: the name of an error: letters, digits and underscores
        :raise OSError: when it cannot be renamed
        """
        path = self.folder / name
        aside = path.with_suffix(f".{reason}{_ASIDE_SUFFIX}")
        path.replace(aside)
        # Renaming keeps the file's time, which should say when it was last tried: touch it
        os.utime(aside)

    def take_back(self, name):
        """Move a file that was set aside back into the queue.

        :param str name: the name of one of ``aside()``
        :raise OSError: when it cannot be renamed
        """
        waits = f"{name.partition('.')[0]}{_SUFFIX}"
        try:
            (self.folder / name).replace(self.folder / waits)
        except FileNotFoundError:  # another process was quicker
            return

    def take_over(self, other, name):
        """Move a waiting report here from another spool on the same disk.

        :param Spool other: the report's present spool
        :param str name: one of its ``names()``
        :raise OSError: when it cannot be moved
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (other.folder / name).replace(self.folder / name)
        self._sync_folder()

    def remove_all(self):
        """Delete the key and all reports."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_key(self):
        """Create the key and return it; if another process was faster, return that one's."""
        try:
            return self._key_file.read_bytes()
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._write_part(secrets.token_bytes(_KEY_BYTES))
        try:
            os.link(part, self._key_file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
        self._sync_folder()
        return self._key_file.read_bytes()

    def _write(self, name, content):
        """Write a file that is either complete or absent, even after a power failure."""
        part = self._write_part(content)
        part.replace(self.folder / name)
        self._sync_folder()

    def _write_part(self, content):
        part = self.folder / f"{os.getpid()}-{threading.get_ident()}-{secrets.token_hex(4)}.part"
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return part

    def _sync_folder(self):
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def waiting_below(root):
    """Return the spools below a folder that contain waiting reports.

    :param root: the folder of all spools, one for each database
    :rtype: list[Spool]
    :raise OSError: when a folder exists and cannot be read
    """
    try:
        folders = sorted(each for each in Path(root).iterdir() if each.is_dir())
    except FileNotFoundError:
        return []
    return [spool for spool in map(Spool, folders) if spool.names()]


def find_owner(root, token, likely=None):
    """Return the spool below a folder whose key signed a token, or None.

    :param root: the folder of all spools, one for each database
    :param str token: the last part of a notify URL
    :param str | None likely: the database to try first, which saves reading other keys
    :rtype: Spool | None
    """
    if likely and (spool := Spool(Path(root) / likely)).knows(token):
        return spool
    try:
        folders = sorted(Path(root).iterdir())
    except OSError:
        return None
    return next((spool for spool in map(Spool, folders) if spool.knows(token)), None)


def _sign(key, random):
    return hmac.digest(key, random, "sha256")[:_SIGNATURE_BYTES]
