"""A table as CSV (RFC 4180) in UTF-8: a line of names, then the rows; nothing else, so that sums come out right."""

import csv
import io
from typing import IO

from shared.documents.cells import text_of
from shared.documents.model import Table, cells

_BUFFER_CHARACTERS = 64 * 1024


def write_csv(table: Table, file: IO[bytes]) -> int:
    """Write the table; returns how many rows it has. Money is in major units."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    kinds = [column.kind for column in table.columns]
    rows = 0
    for row in table.rows:
        rows += 1
        writer.writerow(map(text_of, cells(row, table.columns), kinds))
        if buffer.tell() >= _BUFFER_CHARACTERS:
            _flush(buffer, file)
    _flush(buffer, file)
    return rows


def _flush(buffer: io.StringIO, file: IO[bytes]) -> None:
    file.write(buffer.getvalue().encode())
    buffer.seek(0)
    buffer.truncate()
