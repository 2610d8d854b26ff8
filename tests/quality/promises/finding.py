"""What a part of the promises gives: a table, and what did not hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.quality.corpus import Corpus, Entry
from tests.quality.sources import Kind


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


def first_of_each(found: Corpus, most: int, kinds: Sequence[Kind] = tuple(Kind)) -> list[Entry]:
    """At most so many drawings of each of these classes, in turns from the sources of each."""
    chosen = list[Entry]()
    for kind in kinds:
        by_source = dict[str, list[Entry]]()
        for entry in found.entries:
            if entry.kind is kind:
                by_source.setdefault(entry.source, []).append(entry)
        turns = [(turn, entry) for group in by_source.values() for turn, entry in enumerate(group)]
        chosen += [entry for _, entry in sorted(turns, key=lambda pair: pair[0])][:most]
    return chosen
