"""Update a template and the translations beside it from exported terms.

Runs in the developers' environment, which has polib: ``merge_translations.py EXPORTED FOLDER``.
"""

import sys
from pathlib import Path

import polib

KEPT_HEADERS = ("Project-Id-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")


def tidy(catalog: polib.POFile, language: str = "") -> polib.POFile:
    """Return a catalog whose text depends only on its terms: no dates, a fixed order."""
    catalog.header = "Translation of the Odoo addon airtel_ccp"
    metadata = {name: catalog.metadata[name] for name in KEPT_HEADERS if name in catalog.metadata}
    metadata["Content-Type"] = "text/plain; charset=UTF-8"
    if language:
        metadata["Language"] = language
    catalog.metadata = metadata
    catalog.wrapwidth = 100
    for entry in catalog:
        entry.occurrences.sort()
    catalog.sort(key=lambda entry: entry.msgid)
    return catalog


def merge(exported: Path, folder: Path) -> None:
    """Write the template, and each language with its former translations.

    :param exported: Odoo's export
    :param folder: the folder of ``airtel_ccp.pot`` and ``*.po``
    """
    template = tidy(polib.pofile(str(exported)))
    folder.mkdir(exist_ok=True)
    template.save(str(folder / "airtel_ccp.pot"))
    for file in sorted(folder.glob("*.po")):
        known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(file))}
        catalog = polib.pofile(str(folder / "airtel_ccp.pot"))
        for entry in catalog:
            entry.msgstr = known.get(entry.msgid, "")
        tidy(catalog, file.stem).save(str(file))
        missing = sum(not entry.msgstr for entry in catalog)
        print(f"{file.name}: {len(catalog)} terms, {missing} without a translation")


if __name__ == "__main__":
    merge(Path(sys.argv[1]), Path(sys.argv[2]))
