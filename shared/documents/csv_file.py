"""A table as CSV (RFC 4180) in UTF-8: a line of names, then the rows; nothing else, so that sums come out right."""

import csv
import io
from collections.abc import Iterator

from shared.documents.cells import text_of
from shared.documents.model import Table, cells

_PIECE_CHARACTERS = 64 * 1024


def csv_pieces(table: Table) -> Iterator[bytes]:
    """The table, some thousand bytes at a time, as its rows are read. Money is in major units."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        writer.writerow(map(text_of, cells(row, table.columns), kinds))
        if buffer.tell() >= _PIECE_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
