"""Reading CSV files in the encodings and with the delimiters that spreadsheets use."""

import pytest

from messages.domain.csv_reader import UnreadableFileError, rows_of

TABLE = "name;id\r\nLoja São João;A1\r\n"
ROWS = [(1, ["name", "id"]), (2, ["Loja São João", "A1"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-32"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_table_is_read_in_every_encoding_of_a_spreadsheet(encoding, delimiter):
    assert list(rows_of(TABLE.replace(";", delimiter).encode(encoding))) == ROWS


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32-be"])
def test_table_in_the_other_byte_order_is_read_by_its_byte_order_mark(encoding):
    assert list(rows_of(f"\ufeff{TABLE}".encode(encoding))) == ROWS


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16")[:-1],
        b"\xff\xfe\x00\xd8",
        b"\xef\xbb\xbf\xff",
        b"a;b\0\n",
        b"\x81",
    ],
)
def test_content_that_is_no_text_is_refused(content):
    with pytest.raises(UnreadableFileError, match="is not valid text"):
        list(rows_of(content))


def test_rows_are_numbered_as_the_spreadsheet_does():
    content = b'id;name\n\n;\nA;"two\nlines"\n\nB;b\n'
    assert [number for number, _cells in rows_of(content)] == [1, 4, 6]
