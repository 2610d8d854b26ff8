"""Numbers as PostScript and PDF take them."""

from collections.abc import Sequence


def short(value: float, digits: int = 4) -> str:
    """A number with at most this many decimals and no superfluous zeros."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def row(*values: float, digits: int = 4) -> str:
    """Numbers with spaces between."""
    return " ".join(short(value, digits) for value in values)


def unit_color(color: Sequence[float]) -> str:
    """Channels 0 to 255 as 0 to 1."""
    return row(*(channel / 255 for channel in color))
