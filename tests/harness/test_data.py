"""Data sets as they are pinned, and the files of JSON that they are made of."""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sectoreval.data import (
    Source,
    difference,
    fetched_folder,
    find_source,
    folder_of,
    load_sources,
    matches,
    verify,
)
from sectoreval.terminal import documents
from sectorkit.bench.jsonl import field, read_json, read_jsonl
from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.retrieval.corpus import scan
from sectorkit.settings import Settings

NEAR = Path(__file__).resolve().parents[3] / "shared" / "benchmarks"
NAMED = os.environ.get("SECTOREVAL_DATA_DIR")
LOCAL = Path(NAMED or NEAR)
needs_local = pytest.mark.skipif(
    not NAMED and not NEAR.is_dir(), reason="no data sets here; name them by SECTOREVAL_DATA_DIR"
)

FILES = {"a/one.txt": b"one\n", "a/b/two.txt": b"two\n"}


def digest(files: dict[str, bytes]) -> str:
    lines = sorted(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def source() -> Source:
    return Source(
        name="toy",
        title="Toy",
        folder="governance/toy",
        licence="CC0",
        citation="nobody",
        url="https://github.com/owner/toy",
        files=("**/*.txt",),
        count=len(FILES),
        sha256=digest(FILES),
        fetchable=False,
        note="Ask its makers for it.",
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder of data sets that holds the toy, and beside its files one that the pin is not about."""
    for path, content in {**FILES, "LICENSE": b"CC0"}.items():
        place = tmp_path / "sets" / "governance/toy" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return tmp_path / "sets"


def written(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@needs_local
@pytest.mark.parametrize("name", load_sources())
def test_a_local_data_set_is_what_is_pinned(name: str, tmp_path: Path) -> None:
    source = find_source(name)
    verify(source, folder_of(source, data_dir=LOCAL, home=tmp_path), home=tmp_path)


@pytest.mark.parametrize("name", load_sources())
def test_every_data_set_says_where_it_comes_from_and_what_may_be_done_with_it(name: str) -> None:
    source = find_source(name)
    assert source.name == name
    assert source.licence
    assert source.citation
    assert source.count > 0
    assert not Path(source.folder).is_absolute()
    if source.fetchable:
        assert source.url == f"https://github.com/{source.upstream[0].repo}"
        assert not source.note


def test_an_unknown_data_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"unknown data set 'omos-qa'; known: .*omos_qa"):
        find_source("omos-qa")


ENTRY = """
[toy]
title = "Toy"
folder = "governance/toy"
licence = "CC0"
citation = "nobody"
url = "https://github.com/owner/toy"
files = ["*.txt"]
count = 1
sha256 = "{sha256}"
{more}
"""
UPSTREAM = '[[toy.upstream]]\nrepo = "owner/toy"\ncommit = "{commit}"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.format(sha256="0" * 64, more='revision = "main"\nfetchable = false\nnote = "Ask."'), "toy: revision: "),
        (ENTRY.format(sha256="0" * 64, more=UPSTREAM.format(commit="main")), r"toy: upstream\.0\.commit: "),
        (ENTRY.format(sha256="0" * 63, more=UPSTREAM.format(commit="0" * 40)), "toy: sha256: "),
        (ENTRY.format(sha256="0" * 64, more=""), "toy: .*`fetchable = false`"),
        (ENTRY.format(sha256="0" * 64, more="fetchable = false"), "toy: .*needs a `note`"),
        ("toy = 1", "'toy' should be a table"),
        ("[toy", "is not valid TOML"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load_sources(path)


def test_a_good_entry_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    take = '[[toy.upstream.take]]\nzip = "a.zip"\nfiles = ["*.txt"]\nto = "b"\nflat = true\n'
    path.write_text(ENTRY.format(sha256="0" * 64, more=UPSTREAM.format(commit="1" * 40) + take), encoding="utf-8")
    [part] = load_sources(path)["toy"].upstream
    assert (part.repo, part.commit) == ("owner/toy", "1" * 40)
    assert (part.take[0].zip, part.take[0].files, part.take[0].to, part.take[0].flat) == (
        "a.zip",
        ("*.txt",),
        "b",
        True,
    )


def test_a_named_folder_goes_before_what_was_fetched(source: Source, data_dir: Path, tmp_path: Path) -> None:
    fetched = fetched_folder(source, home=tmp_path)
    assert fetched == tmp_path / "benchmarks/data/governance/toy" / source.sha256[:12]
    fetched.mkdir(parents=True)
    assert folder_of(source, data_dir=None, home=tmp_path) == fetched
    assert folder_of(source, data_dir=data_dir, home=tmp_path) == data_dir / "governance/toy"


def test_a_data_set_that_is_not_there_names_both_ways_to_get_it(tmp_path: Path) -> None:
    for data_dir in (None, tmp_path / "sets"):
        with pytest.raises(ConfigurationError, match=r"omos_qa is not at .*governance/omos-qa") as caught:
            folder_of(find_source("omos_qa"), data_dir=data_dir, home=tmp_path)
        for step in ("sectoreval fetch omos_qa", "--data-dir DIR", "SECTOREVAL_DATA_DIR"):
            assert step in str(caught.value)


def test_one_that_cannot_be_fetched_says_how_to_get_it_instead(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Ask its makers for it\. .*--data-dir DIR") as caught:
        folder_of(source, data_dir=None, home=tmp_path)
    assert "sectoreval fetch" not in str(caught.value)


def test_the_pin_is_one_digest_over_the_files_and_nothing_beside_them(source: Source, data_dir: Path) -> None:
    folder = data_dir / "governance/toy"
    assert difference(source, folder) is None
    (folder / "a/one.txt").rename(folder / "a/eins.txt")
    renamed = digest({"a/eins.txt": b"one\n", "a/b/two.txt": b"two\n"})
    assert f"2 of 2 files, sha256 {renamed}" in str(difference(source, folder))


def test_what_differs_is_named(source: Source, data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "governance/toy"
    (folder / "a/one.txt").unlink()
    said = f"its files are not those that are pinned: 1 of 2 files, sha256 .*, expected {source.sha256}"
    with pytest.raises(ConfigurationError, match=said):
        verify(source, folder, home=tmp_path)
    with pytest.raises(ConfigurationError, match=r"no file there is data/\*\.csv"):
        verify(replace(source, files=("**/*.txt", "data/*.csv")), folder, home=tmp_path)


def test_files_are_read_once_and_again_when_their_time_of_change_or_their_pin_differs(
    source: Source, data_dir: Path, tmp_path: Path
) -> None:
    home, changed = tmp_path / "home", data_dir / "governance/toy/a/one.txt"
    verify(source, data_dir / "governance/toy", home=home)
    before = changed.stat()
    changed.write_bytes(b"eno\n")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    verify(source, data_dir / "governance/toy", home=home)  # size and time are as they were: it is not read
    with pytest.raises(ConfigurationError, match="not those that are pinned"):
        verify(replace(source, sha256="0" * 64), data_dir / "governance/toy", home=home)
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(ConfigurationError, match="not those that are pinned"):
        verify(source, data_dir / "governance/toy", home=home)


def test_a_file_that_is_added_after_the_check_is_noticed(source: Source, data_dir: Path, tmp_path: Path) -> None:
    verify(source, data_dir / "governance/toy", home=tmp_path)
    (data_dir / "governance/toy/three.txt").write_bytes(b"three\n")
    with pytest.raises(ConfigurationError, match="3 of 2 files"):
        verify(source, data_dir / "governance/toy", home=tmp_path)


def test_checking_writes_below_the_home_only_and_does_without_it(
    source: Source, data_dir: Path, tmp_path: Path
) -> None:
    before = written(data_dir)
    verify(source, data_dir / "governance/toy", home=tmp_path / "home")
    assert written(data_dir) == before
    assert len(written(tmp_path / "home")) == 1
    (tmp_path / "file").write_bytes(b"")
    verify(source, data_dir / "governance/toy", home=tmp_path / "file")  # nothing can be written below it


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "b/a.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "c/b/a.csv", True),
        ("a/**/x.txt", "a/b/c/x.txt", True),
        ("a/**/x.txt", "ab/x.txt", False),
        ("?_*/*.xml", "9_CDC/1.xml", True),
        ("?_*/*.xml", "10_ADAM/1.xml", False),
        ("a.csv", "aXcsv", False),
        ("*.csv", "a.csv.gz", False),
    ],
)
def test_a_glob_means_whole_paths(pattern: str, path: str, meant: bool) -> None:
    assert matches(pattern, path) is meant


def lines(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_lines_are_numbered_as_an_editor_shows_them(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": "\xc3\xa9"}')
    assert list(read_jsonl(path)) == [(1, {"a": 1}), (3, {"a": "é"})]
    packed = lines(tmp_path / "a.jsonl.gz", gzip.compress(path.read_bytes()))
    assert list(read_jsonl(packed)) == list(read_jsonl(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n\n{"a": }\n', r"a\.jsonl, line 3: not JSON \(.*\); correct the line or remove it"),
        (b'{"a": 1}\n[1]\n', "line 2: not an object; correct the line or remove it"),
        (
            b'{"a": 1}\n{"a": "\xff"}\n',
            r"line 2: not UTF-8 \(invalid start byte at byte 7\); correct the line or remove",
        ),
        (b"[" * 200_000, r"line 1: not JSON \("),
        (b"\n \n", r"a\.jsonl is empty"),
        (b"", r"a\.jsonl is empty"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        list(read_jsonl(lines(tmp_path / "a.jsonl", content)))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = lines(tmp_path / "a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 100)[:-9])
    for path in (tmp_path / "away.jsonl", broken):
        with pytest.raises(ConfigurationError, match=f"{path.name} cannot be read: .*; fetch or copy it anew"):
            list(read_jsonl(path))
    with pytest.raises(ConfigurationError, match=r"away\.json cannot be read"):
        read_json(tmp_path / "away.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1,\n "b": }\n', r"a\.json, line 2: not JSON \(Expecting value at column 7\)"),
        (b'{"a": 1,\n "b": "\xff"}\n', "line 2: not UTF-8"),
        (b"[" * 200_000, r"a\.json: not JSON \("),
        (b" \n", r"a\.json is empty"),
    ],
)
def test_a_malformed_json_file_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_json(lines(tmp_path / "a.json", content))


def test_a_json_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_json(lines(tmp_path / "a.json", b'\xef\xbb\xbf[{"a": 1}]')) == [{"a": 1}]


def test_a_field_is_given_back_as_what_it_should_be(tmp_path: Path) -> None:
    entry = {"text": "é", "n": 2, "x": 0.5, "yes": True, "rows": [1], "inner": {}}
    path = tmp_path / "a.jsonl"
    assert field(path, 1, entry, "text", str) == "é"
    assert field(path, 1, entry, "n", int) == 2
    assert field(path, 1, entry, "x", float) == 0.5
    assert field(path, 1, entry, "yes", bool) is True
    assert field(path, 1, entry, "rows", list) == [1]
    assert field(path, 1, entry, "inner", dict) == {}
    assert isinstance(field(path, 1, entry, "n", float), float)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (1, str, '"a" should be text'),
        ("1", int, '"a" should be a whole number'),
        (1.5, int, '"a" should be a whole number'),
        (True, int, '"a" should be a whole number'),
        (True, float, '"a" should be a number'),
        (1, bool, '"a" should be true or false'),
        (None, list, '"a" should be a list'),
        ([], dict, '"a" should be an object'),
        ("\ud83d", str, '"a" holds half of a character'),
    ],
)
def test_a_field_of_another_kind_is_named_with_its_line(value: object, kind: type, said: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"a\.jsonl, line 7: {said}; correct the line or remove it"):
        field(Path("a.jsonl"), 7, {"a": value}, "a", kind)


def test_a_missing_field_is_named_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r'a\.json, entry 5: "b" is missing; correct it or remove it'):
        field(Path("a.json"), "entry 5", {"a": 1}, "b", str)


@needs_local
def test_a_benchmarks_documents_are_written_as_files_where_nothing_else_is(tmp_path: Path) -> None:
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "medquad"
    assert documents(settings, "medquad_liveqa", folder, {"folders": "core"}, LOCAL) == 0
    files, skipped = scan(folder)
    assert (len(files), skipped) == (5_554, [])
    assert {file.metadata["kind"] for file in files} == {"reference"}
    assert documents(settings, "medquad_liveqa", folder, {"folders": "core"}, LOCAL) == 0  # its own folder, again
    (tmp_path / "home" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds something else"):
        documents(settings, "medquad_liveqa", tmp_path / "home", {"folders": "core"}, LOCAL)
    with pytest.raises(UnknownName, match="medquad_liveqa"):
        documents(settings, "medqa", folder, {}, LOCAL)
    with pytest.raises(UnknownName, match="folders"):
        documents(settings, "medquad_liveqa", folder, {"folder": "core"}, LOCAL)
