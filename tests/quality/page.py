"""Where a run keeps its files, and the page that it may write its tables into."""

from dev.home import CHECKOUT, find_home

HOME = find_home().folder / "quality"
PAGE = CHECKOUT / "docs" / "benchmarks.md"


def between(page: str, begins: str, ends: str, text: str) -> str:
    """The page with the text between two marks, each a line of it. Raises ValueError if it has not both, in order."""
    before, found, rest = page.partition(begins)
    _, found_too, after = rest.partition(ends)
    if not (found and found_too):
        raise ValueError(f"the page lacks the mark {begins.strip()} or {ends.strip()}")
    return f"{before}{begins}\n{text}\n\n{ends}{after}"


def write_page(begins: str, ends: str, text: str) -> None:
    """Put the text where the page of the benchmarks keeps it."""
    PAGE.write_text(between(PAGE.read_text("utf-8"), begins, ends, text), "utf-8")
