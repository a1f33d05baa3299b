"""JSON and JSON Lines files of benchmarks: read with errors that name the file, the line and the field."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sectorkit.errors import ConfigurationError

T = TypeVar("T")
_WORDS: Mapping[type, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "an object"
}  # fmt: skip


def read_jsonl(path: Path, *, each: str = "an object. Fetch or copy it anew") -> Iterator[tuple[int, dict[str, Any]]]:
    """`(line number, object)` of a JSON Lines file, empty lines left out; one that ends in `.gz` is unpacked.

    Raises ConfigurationError for a file that is empty, saying what each line should be, or that cannot be read, and for a
    line that is no object in UTF-8.
    """
    empty = True
    for number, line in lines(path):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise malformed(path, number, f"not JSON ({error})") from None
        if not isinstance(entry, dict):
            raise malformed(path, number, "not an object")
        empty = False
        yield number, entry
    if empty:
        raise ConfigurationError(f"{path} is empty; each line should be {each}")


def read_json(path: Path) -> Any:
    """What a JSON file holds. ConfigurationError where it is empty, cannot be read, or is no JSON in UTF-8."""
    with _reading(path) as stream:
        raw = b"".join(stream)
    if not raw.strip():
        raise ConfigurationError(f"{path} is empty; fetch or copy it anew")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise malformed(path, number, f"not UTF-8 ({error.reason} at byte {error.start} of the file)") from None
    except json.JSONDecodeError as error:
        raise malformed(path, error.lineno, f"not JSON ({error.msg} at column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not JSON ({error}); fetch or copy it anew") from None


def field(path: Path, number: int | str, entry: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """`entry[name]`, which should be of `kind`: str, int, float, bool, list or dict.

    `number` is the entry's line, or names its place where lines say nothing: "entry 5". A whole number serves as a
    float; a truth value is no number. Raises ConfigurationError that names file, place and field.
    """
    if name not in entry:
        raise malformed(path, number, f'"{name}" is missing')
    value = entry[name]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise malformed(path, number, f'"{name}" should be {_WORDS.get(kind, kind.__name__)}')
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise malformed(path, number, f'"{name}" holds half of a character') from None
    found: T = value
    return found


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """`(line number, text)` of a file's lines, empty ones left out. ConfigurationError as `read_jsonl`."""
    with _reading(path) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise malformed(path, number, f"not UTF-8 ({error.reason} at byte {error.start})") from None
            if line.strip():
                yield number, line.rstrip("\r\n")


@contextmanager
def _reading(path: Path) -> Iterator[Iterable[bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; fetch or copy it anew") from None


def malformed(path: Path, number: int | str, what: str) -> ConfigurationError:
    """The error of a line, or of a place that is named in words."""
    if isinstance(number, str):
        return ConfigurationError(f"{path}, {number}: {what}; correct it or remove it")
    return ConfigurationError(f"{path}, line {number}: {what}; correct the line or remove it")
