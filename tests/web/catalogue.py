"""The English of the pages: brings the catalogue up to date with the Swedish in the source.

`make translations` runs it: the words are read out of addon/ and templates/, put into
addon/translations/en/LC_MESSAGES/messages.po, and compiled to messages.mo beside it. It lists what
has no English yet and ends with 1 when there is any. Words that are no longer used are dropped.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent.parent
ENGLISH = ROOT / "addon" / "translations" / "en" / "LC_MESSAGES"
PO = ENGLISH / "messages.po"
MO = ENGLISH / "messages.mo"
MAPPING = ROOT / "babel.cfg"
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "lazy_ngettext": (1, 2)}


def extracted() -> Catalog:
    """Every text of the source that is to be translated, with the files that have it."""
    with MAPPING.open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog(charset="utf-8")
    for name, line, text, comments, context in extract_from_dir(
        ROOT, methods, options, KEYWORDS, directory_filter=_has_words
    ):
        place = (Path(name).as_posix(), line)
        found.add(text, None, [place], auto_comments=comments, context=context)
    return found


def kept() -> Catalog:
    """The catalogue as it is in its file."""
    with PO.open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def texts(catalogue: Catalog) -> Iterator[Message]:
    """The messages of a catalogue, without its header."""
    return (message for message in catalogue if message.id)


def forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """A message's id or translation as its forms: one, or singular and plural."""
    return tuple(text) if isinstance(text, list | tuple) else (text or "",)


def missing(catalogue: Catalog) -> list[Message]:
    """The messages that have no English yet, or only a guess."""
    return [m for m in texts(catalogue) if m.fuzzy or not all(forms(m.string))]


def bring_up_to_date() -> Catalog:
    """Write the catalogue and what is compiled of it; the catalogue as it now is."""
    catalogue = kept()
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    with PO.open("wb") as file:
        write_po(
            file, catalogue, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True
        )
    with MO.open("wb") as file:
        write_mo(file, catalogue)
    return catalogue


def main() -> int:
    """Bring the catalogue up to date, and tell what is missing: 1 if anything is."""
    left = missing(bring_up_to_date())
    for message in left:
        places = ", ".join(sorted({name for name, _ in message.locations}))
        print(f"{places}: {' | '.join(forms(message.id))}")
    where = PO.relative_to(ROOT)
    print(f"{len(left)} texts have no English yet: translate them in {where}" if left else where)
    return 1 if left else 0


def _has_words(folder: str | Path) -> bool:
    """Whether a folder is of the source, rather than of what is installed or made."""
    first, *_ = Path(folder).relative_to(ROOT).parts or ("",)
    return first in ("addon", "templates") and Path(folder).name != "__pycache__"


if __name__ == "__main__":
    sys.exit(main())
