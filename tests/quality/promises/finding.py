"""What a part of the promises gives: a table, and what did not hold."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.quality.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Finding:
    """A title, sentences and tables below it, and a sentence for everything that breaks the promise."""

    title: str
    text: str
    broken: tuple[str, ...] = ()

    def __str__(self) -> str:
        listed = "\n".join(f"- {sentence}" for sentence in self.broken)
        return f"**{self.title}**\n\n{self.text}" + (f"\n\nNot kept:\n\n{listed}" if listed else "")


Part = Callable[[Corpus, int], Finding]
"""Measures with at most so many drawings of each class."""
