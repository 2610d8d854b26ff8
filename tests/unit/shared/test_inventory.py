"""Two lists of keys merged: what only one of them has, and not a key more."""

from hypothesis import given
from hypothesis import strategies as st

from shared.inventory import MOST_SHOWN, compare

keys = st.lists(st.text("abc/", min_size=1, max_size=4), unique=True).map(sorted)


@given(keys, keys)
def test_what_only_one_side_has_is_found(objects: list[str], rows: list[str]) -> None:
    found = compare(objects, rows)
    unlisted, missing = set(objects) - set(rows), set(rows) - set(objects)
    assert (len(objects), len(rows)) == (found.objects, found.rows)
    assert (len(unlisted), len(missing)) == (found.unlisted, found.missing)
    assert (sorted(unlisted)[:MOST_SHOWN], sorted(missing)[:MOST_SHOWN]) == (
        list(found.unlisted_keys),
        list(found.missing_keys),
    )


def test_of_many_differences_a_hundred_are_shown_and_all_are_counted() -> None:
    found = compare([], [f"{number:04}" for number in range(250)])
    assert (250, 100) == (found.missing, len(found.missing_keys))
