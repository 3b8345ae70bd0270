"""Tables of measurements survive the processes that write them."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prerank.surrogate.measured import Measured, append, mend, read

NO_UTF_8 = "\udcff"  # what `os.fsdecode` makes of such a byte in the name of a file
TEXT = st.text() | st.text().map(NO_UTF_8.__add__)
ROWS = st.lists(
    st.builds(Measured, TEXT, TEXT, TEXT, st.floats(allow_infinity=False), st.dictionaries(TEXT.map("_".__add__), TEXT))
)


@given(ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, rows: list[Measured]) -> None:
    path = tmp_path / "rows.jsonl"
    path.unlink(missing_ok=True)
    for row in rows:
        append(path, [row])
    found = list(read(path)) if rows else []
    assert [row.key for row in found] == [row.key for row in rows]
    assert [row.more for row in found] == [row.more for row in rows]
    for old, new in zip(rows, found, strict=True):
        assert new.value == old.value or (math.isnan(new.value) and math.isnan(old.value))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_failure_is_null(value: float) -> None:
    assert '"value": null' in Measured("c", "m", "t", value).to_json()


@given(st.integers(1, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_line_that_was_cut_short_is_passed_over_and_mended(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "rows.jsonl"
    path.unlink(missing_ok=True)
    rows = [Measured("c", "m", f"candidate {number}", float(number)) for number in range(3)]
    append(path, rows)
    content = path.read_bytes()
    path.write_bytes(content[: max(0, len(content) - cut)])
    whole = path.read_bytes().count(b"\n")
    kept = list(read(path))
    assert kept[:whole] == rows[:whole]
    assert len(kept) in (whole, whole + 1)  # a cut of the line's end alone leaves it whole
    mend(path)
    append(path, [rows[0]])
    assert list(read(path)) == [*kept, rows[0]]


def test_a_whole_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path, rows = tmp_path / "rows.jsonl", [Measured("c", "m", text, 1.0) for text in ("ä", "b", "c")]
    path.write_bytes("\n".join(row.to_json() for row in rows[:2]).encode())
    mend(path)
    append(path, rows[2:])
    assert list(read(path)) == rows


def test_a_mark_of_the_encoding_is_passed_over(tmp_path: Path) -> None:
    path, rows = tmp_path / "rows.jsonl", [Measured("c", "m", "a", 1.0), Measured("c", "m", "b", 2.0)]
    append(path, rows)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert list(read(path)) == rows


def test_a_line_that_was_cut_inside_a_letter_is_passed_over(tmp_path: Path) -> None:
    path, row = tmp_path / "rows.jsonl", Measured("c", "m", "a", 1.0)
    append(path, [row])
    path.write_bytes(path.read_bytes() + '{"context": "c", "metric": "m", "candidate": "ä'.encode()[:-1])
    assert list(read(path)) == [row]


def test_letters_beyond_ascii_are_read_as_earlier_versions_wrote_them(tmp_path: Path) -> None:
    path, row = tmp_path / "rows.jsonl", Measured("c", "m", "ä", 1.0)
    path.write_text('{"context": "c", "metric": "m", "candidate": "ä", "value": 1}\n', encoding="utf-8")
    append(path, [row])
    assert list(read(path)) == [row, row]


@pytest.mark.parametrize(("name", "content"), [("rows.jsonl.gz", b"\x1f\x8b no line"), ("notes.txt", b"two\nnotes")])
def test_what_lines_cannot_be_added_to_is_left_as_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name):
        mend(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"context": "c", "metric": "m", "candidate": "t"}', "lacks value"),
        ('{"context": 1, "metric": "m", "candidate": "t", "value": 2}', "must be texts"),
        ('{"context": "c", "metric": "m", "candidate": "t", "value": "0.5"}', "the value is '0.5'"),
        ('{"context": "c", "metric": "m", "candidate": "t", "value": true}', "the value is True"),
        ("[1, 2]", "line 2"),
        ("nothing", "line 2"),
        ("[" * 100_000, "line 2"),
        (f'{{"context": "c", "metric": "m", "candidate": "t", "value": 1{"0" * 400}}}', "line 2"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{Measured('c', 'm', 't', 1.0).to_json()}\n{line}\n")
    with pytest.raises(ValueError, match=said) as error:
        list(read(path))
    assert f"{path}, line 2" in str(error.value)


def test_a_foreign_file_of_one_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"latency": 3}')
    with pytest.raises(ValueError, match="lacks context, metric, candidate, value"):
        list(read(path))


def test_a_compressed_table_is_read(tmp_path: Path) -> None:
    row = Measured("context\nof two lines", "m", "t", 1.5)
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress((row.to_json() + "\n").encode()))
    assert list(read(path)) == [row]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_compressed_table_that_was_cut_is_named(tmp_path: Path, share: float) -> None:
    lines = "".join(Measured("c", "m", f"candidate {number}", number).to_json() + "\n" for number in range(999))
    path, content = tmp_path / "rows.jsonl.gz", gzip.compress(lines.encode())
    for broken in (content[: int(share * len(content))], content[:300] + bytes(50) + content[350:], b"no gzip"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"rows\.jsonl\.gz"):
            list(read(path))


def test_without_a_file_there_is_nothing_to_mend(tmp_path: Path) -> None:
    mend(tmp_path / "rows.jsonl")
    assert not list(tmp_path.iterdir())


def test_the_outcome_is_no_part_of_the_key() -> None:
    more: dict[str, Any] = {"name": "a"}
    assert Measured("c", "m", "t", 1.0).key == Measured("c", "m", "t", 2.0, more).key
