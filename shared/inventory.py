"""Storage and rows compared: objects that no row lists, and rows whose object is not there.

Both sides come in the order of their keys and are merged, so that millions need no memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from shared import files
from shared.db import Database
from shared.storage import Storage

KEYS_AT_ONCE = 5_000
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found: how many keys either side has, and up to a hundred of each kind of difference.

    `unlisted` objects are normal for some minutes, and removed then; `missing` ones are never right.
    """

    objects: int
    rows: int
    unlisted: int
    missing: int
    unlisted_keys: tuple[str, ...]
    missing_keys: tuple[str, ...]


def take_inventory(maintenance: Database, storage: Storage) -> Inventory:
    """Compare all of storage with the rows. What changes meanwhile is looked at twice before it is called missing."""
    found = compare(chain.from_iterable(storage.list_pages()), listed_keys(maintenance))
    still = [key for key in found.missing_keys if _is_listed(maintenance, key) and not storage.exists(key)]
    fewer = len(found.missing_keys) - len(still)
    return Inventory(
        found.objects, found.rows, found.unlisted, found.missing - fewer, found.unlisted_keys, tuple(still)
    )


def compare(objects: Iterable[str], rows: Iterable[str]) -> Inventory:
    """Merge two lists of keys, each in order, and say what only one of them has."""
    counts = {"objects": 0, "rows": 0, "unlisted": 0, "missing": 0}
    unlisted: list[str] = []
    missing: list[str] = []
    ours, theirs = iter(rows), iter(objects)
    row, key = next(ours, None), next(theirs, None)
    while row is not None or key is not None:
        if row == key:
            counts["objects"] += 1
            counts["rows"] += 1
            row, key = next(ours, None), next(theirs, None)
        elif row is None or (key is not None and key < row):
            counts["objects"] += 1
            counts["unlisted"] += 1
            unlisted += [str(key)] if len(unlisted) < MOST_SHOWN else []
            key = next(theirs, None)
        else:
            counts["rows"] += 1
            counts["missing"] += 1
            missing += [row] if len(missing) < MOST_SHOWN else []
            row = next(ours, None)
    return Inventory(**counts, unlisted_keys=tuple(unlisted), missing_keys=tuple(missing))


def listed_keys(maintenance: Database) -> Iterator[str]:
    """Every key that a row lists, in order."""
    after = ""
    while True:
        with maintenance.transaction() as db:
            page = files.select_listed_keys(db, after=after, limit=KEYS_AT_ONCE)
        yield from page
        if len(page) < KEYS_AT_ONCE:
            return
        after = page[-1]


def _is_listed(maintenance: Database, key: str) -> bool:
    """Whether a row lists exactly this key: the first one after its own beginning."""
    with maintenance.transaction() as db:
        return key in files.select_listed_keys(db, after=key[:-1], limit=KEYS_AT_ONCE)
