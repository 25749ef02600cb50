"""Agreements that anyone may read: PDF files in the folder `agreements` beside the profiles."""

from collections.abc import Collection, Mapping
from pathlib import Path

FOLDER = "agreements"
OURS = "skolsynk"
"""The name of the operator's own data processing agreement with organisers."""


class AgreementError(ValueError):
    """A file among the agreements belongs to no vendor; the message names it."""


def find_agreements(beside: Path, vendors: Collection[str]) -> Mapping[str, Path]:
    """Return the agreements in the folder next to the profiles, by vendor id or `skolsynk`.

    `ID.pdf` is a vendor's agreement with organisers. The folder need not exist; hidden files are
    ignored. Raises AgreementError for any other file, which would otherwise never be shown.
    """
    folder = beside / FOLDER
    if not folder.is_dir():
        return {}
    found = {path for path in folder.iterdir() if not path.name.startswith(".")}
    for path in sorted(found):
        if path.suffix != ".pdf" or path.stem not in (*vendors, OURS) or not path.is_file():
            raise AgreementError(
                f"{path} must be named {OURS}.pdf or after a vendor of the profiles, ID.pdf"
            )
    return {path.stem: path for path in sorted(found)}
