"""A cell as text: exact, and harmless in a spreadsheet."""

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

from shared.documents.model import Kind

# What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it as a formula; no control characters."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    # Full-width signs are signs too: NFKC makes them plain ones.
    is_formula = text.startswith(_DANGEROUS) or unicodedata.normalize("NFKC", plain[:9]).lstrip().startswith(_DANGEROUS)
    return f"'{plain}" if is_formula else plain


def money_of(cents: int) -> str:
    """Minor units as major ones, with two decimals."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02}"


def time_of(moment: datetime) -> str:
    """A time in UTC to the second, as spreadsheets read it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def text_of(value: object, kind: Kind) -> str:
    """A value as text for programs: no thousands separators, a point before decimals, empty for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return time_of(value)
        case date():
            return value.isoformat()
        case int() if kind is Kind.MONEY:
            return money_of(value)
        case Decimal():
            return f"{value:f}"
        case float():
            return f"{value:.3f}"
        case int():
            return str(value)
        case _:
            return harmless(str(value))


def words_of(name: str) -> str:
    """A name of our own as people read it: outside_eu is outside EU."""
    return name.replace("_eu", "_EU").replace("_", " ")
