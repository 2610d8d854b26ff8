"""What a document is: a title, facts about it, tables of typed columns, and a chart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds.

    word is a name of our own, such as reverse_charge, and id a UUID. money is an integer in minor units (cents),
    credits and percent are Decimals, seconds and megapixels floats, bytes and count integers. Any may be None.
    """

    TEXT = "text"
    WORD = "word"
    ID = "id"
    DAY = "day"
    TIME = "time"
    COUNT = "count"
    MONEY = "money"
    CREDITS = "credits"
    PERCENT = "percent"
    SECONDS = "seconds"
    BYTES = "bytes"
    MEGAPIXELS = "megapixels"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the rows' attribute of this name, under this heading. `adds`: its sum means something."""

    name: str
    heading: str
    kind: Kind
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind; they are read once, so they may come from a cursor. Money adds up by `currency` alone."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[object]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars: columns of a table that has a row per period. Rows after `rows` are left out."""

    title: str
    table: str
    label: str
    values: Sequence[str]
    rows: int


@dataclass(frozen=True, slots=True)
class Document:
    """The whole. `facts` are pairs of a name and what it is, shown at the beginning."""

    name: str
    title: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    chart: Chart | None = None


Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a table's columns that add up, counted while its rows are written; one line for each currency."""

    columns: Sequence[Column]
    sums: dict[str, dict[str, Number]] = field(default_factory=dict[str, dict[str, Number]])

    def add(self, row: object) -> None:
        """Count a row."""
        line = self.sums.setdefault(getattr(row, "currency", ""), {})
        for column in self.columns:
            if column.adds:
                line[column.name] = line.get(column.name, 0) + (getattr(row, column.name) or 0)

    def lines(self) -> list[list[object]]:
        """A row of cells for each currency: the word Total first, then the sums where there are any."""
        if not any(column.adds for column in self.columns):
            return []
        found: list[list[object]] = []
        for currency, line in sorted(self.sums.items()):
            cells: list[object] = [
                currency if column.name == "currency" else line.get(column.name) for column in self.columns
            ]
            found.append(["Total", *cells[1:]])
        return found


def cells(row: object, columns: Sequence[Column]) -> list[object]:
    """A row's values in the order of the columns."""
    return [getattr(row, column.name) for column in columns]
