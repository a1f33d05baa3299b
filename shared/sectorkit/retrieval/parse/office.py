"""What DOCX, PPTX and XLSX have in common: a ZIP of XML parts, which may be protected, damaged or a bomb."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.encoding import kind_of

_MEMBERS, _RATIO = 10_000, 100
_OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Office:
    """One of the formats: its name, the program that saves it, what its parts begin with and are called.

    `unpacked` is how many bytes its parts may unpack to, all together.
    """

    name: str
    program: str
    folder: str
    holds: str
    unpacked: int = 200 * 2**20


@contextmanager
def opened(path: Path, office: Office) -> Iterator[zipfile.ZipFile]:
    """The file as a ZIP that is safe to unpack.

    Raises DocumentError where it is of another format, protected by a password, damaged (also while the caller reads
    from it), or would unpack to too much.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as stream:
        start = stream.read(16)
    if start.startswith(_OLE):
        raise DocumentError(
            f"{path.name} is protected by a password, or is in the old {suffix[:-1]} format. "
            f"Open it in {office.program} or LibreOffice and save it as {suffix} without a password."
        )
    if (kind := kind_of(start)) and not start.startswith(b"PK"):
        raise DocumentError(
            f"{path.name} is not a readable {office.name} (it is {kind}). Open it, or give it that suffix."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path.name, office)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise unreadable(path, office, str(error)) from None


def unreadable(path: Path, office: Office, reason: str) -> DocumentError:
    """The error for a damaged file."""
    return DocumentError(
        f"{path.name} is not a readable {office.name} ({reason}). "
        f"Open it in {office.program} or LibreOffice and save it again."
    )


def reason(error: Exception) -> str:
    """What a library found wrong with a file; where it merely stumbled over it, its own words say nothing to a reader."""
    if isinstance(error, SyntaxError):  # as both XML libraries call theirs
        return f"its XML is damaged: {error.msg.strip()}"[:150]
    return "its parts do not fit together"


def _check(archive: zipfile.ZipFile, name: str, office: Office) -> None:
    members = archive.infolist()
    unpacked = sum(m.file_size for m in members)
    packed = sum(m.compress_size for m in members)
    advice = f"It looks like a zip bomb. If you trust it, save it again from {office.program}, or as PDF."
    if len(members) > _MEMBERS:
        raise DocumentError(f"{name} holds {len(members):,} parts; at most {_MEMBERS:,} are read. {advice}")
    if unpacked > office.unpacked:
        size = f"{unpacked / 2**20:,.0f} MB"
        raise DocumentError(
            f"{name} would unpack to {size}; at most {office.unpacked // 2**20:,} MB are read. {advice}"
        )
    if unpacked > 10 * 2**20 and unpacked > _RATIO * max(1, packed):
        raise DocumentError(f"{name} would unpack to {unpacked // max(1, packed)} times its size. {advice}")
    if any(m.flag_bits & 1 for m in members):
        raise DocumentError(f"{name} holds encrypted parts. Save it without a password.")
    if not any(m.filename.startswith(office.folder) for m in members):
        suffix = Path(name).suffix.lower()
        raise DocumentError(f"{name} is a ZIP but holds no {office.holds}. Save it as {suffix} from {office.program}.")
