# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl-3.0).
"""Decisions about incoming calls that were made while the database could not store them.

Each is a file in the spool's folder, either complete and durable or absent. Its name is made of the
question and the minute, so a repeated question finds the earlier answer.
"""

import json
import os
import time
from contextlib import suppress
from hashlib import sha256

from .spool import Spool

_SUFFIX = ".decision"
_ASIDE_SUFFIX = ".nodecision"
_MAX_BYTES = 16 * 1024


class Decisions(Spool):
    """The decisions that wait in a database's folder."""

    def keep(self, company_id: int, question: str, content: dict, now: float | None = None) -> dict:
        """Store a decision, unless the same question was answered in this minute.

        :param company_id: the company that is called
        :param question: what repeats of a question have in common
        :param content: the decision, in a form that JSON stores
        :param now: seconds since 1970, by default the current time
        :return: the valid decision: this one, or an earlier one
        :raises OSError: if the disk refuses it
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_room()
        path = self.folder / self._name(company_id, question, now)
        about = {"company": company_id, "content": content}
        part = self._write_part(json.dumps(about).encode())
        try:
            # Of two processes that answer at once, the second one uses the first one's answer
            os.link(part, path)
        except FileExistsError:
            known = self.load(path.name)
            return known[1] if known else content
        finally:
            part.unlink()
        self._sync_folder()
        return content

    def known(self, company_id: int, question: str, seconds: int, now: float | None = None):
        """Return the decision on the same question if it is still valid, or None.

        :param company_id: the company that is called
        :param question: see ``keep``
        :param seconds: how long a decision is valid
        :param now: seconds since 1970, by default the current time
        :rtype: dict | None
        """
        now = time.time() if now is None else now
        for moment in (now, now - 60):
            name = self._name(company_id, question, moment)
            with suppress(OSError):
                if now - (self.folder / name).stat().st_mtime <= seconds and (
                    found := self.load(name)
                ):
                    return found[1]
        return None

    def waiting(self) -> list[str]:
        """Return the names of the waiting decisions.

        :raises OSError: if the folder exists and cannot be read
        """
        return self._files(_SUFFIX)

    def load(self, name: str) -> tuple[int, dict] | None:
        """Return company and decision of a file, or None if it contains no decision.

        :param name: one of ``waiting()``
        :raises OSError: if it cannot be read
        """
        with open(self.folder / name, "rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        try:
            about = json.loads(raw) if len(raw) <= _MAX_BYTES else None
            company_id, content = about["company"], about["content"]
        except (ValueError, KeyError, TypeError):
            return None
        is_whole = type(company_id) is int and isinstance(content, dict)
        return (company_id, content) if is_whole else None

    def put_aside(self, name: str) -> None:
        """Set a file aside that contains no decision.

        :param name: one of ``waiting()``
        :raises OSError: if it cannot be renamed
        """
        path = self.folder / name
        path.replace(path.with_suffix(_ASIDE_SUFFIX))

    @staticmethod
    def _name(company_id, question, now):
        minute = int((time.time() if now is None else now) // 60)
        name = sha256(f"{company_id}|{question}|{minute}".encode()).hexdigest()
        return f"{name[:40]}{_SUFFIX}"
