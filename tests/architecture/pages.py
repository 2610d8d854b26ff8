"""The pages of the project as a reader sees them: links, code in the line, and blocks of code."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.source import ROOT, relative

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Page:
    """One page in Markdown."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The path as a person writes it."""
        return relative(self.path)

    @property
    def prose(self) -> str:
        """The text without its blocks of code, lines joined so that nothing is broken at a line's end."""
        return re.sub(r"\s*\n(?=\S)(?![-#|])\s*", " ", FENCED.sub("", self.text))

    def words(self) -> list[str]:
        """What is set as code within the line."""
        return INLINE.findall(self.prose)

    def blocks(self, kind: str) -> list[str]:
        """Blocks of code of this kind."""
        return [text for found, text in FENCED.findall(self.text) if found == kind]

    def links(self) -> list[str]:
        """Where its links lead, as written."""
        return LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        """Its headings as links name them."""
        headings = re.findall(r"^#+ (.+)$", FENCED.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@cache
def pages() -> tuple[Page, ...]:
    """Every page of the project."""
    paths = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    return tuple(Page(path, path.read_text("utf-8")) for path in paths)


def page(name: str) -> Page:
    """One page, by its path."""
    return next(found for found in pages() if found.name == name)
