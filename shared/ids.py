"""Names for rows: time-ordered, and impossible to guess or count."""

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): 48 bits of milliseconds, 74 random bits.

    Time order keeps B-tree inserts at the right edge; the random bits keep ids unguessable.
    """
    return compat.uuid7()


def parse_id(text: str) -> UUID | None:
    """The UUID written in `text`, or None where it is not one: an unknown id, not an error."""
    try:
        return UUID(text)
    except ValueError:
        return None
