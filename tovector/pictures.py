"""Which pictures are meant, and where the drawing of each goes."""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tovector.problems import Exit, TovectorError

ENDINGS = frozenset({".png", ".jpg", ".jpeg"})


class NothingToDo(TovectorError):
    """What was named holds no picture, or cannot be."""

    exit_code = Exit.USAGE
    ends_the_run = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to vectorize, and the folder it was found in: its place there is kept in the output."""

    path: Path
    found_in: Path


def find_pictures(sources: Sequence[Path], *, is_recursive: bool) -> list[Picture]:
    """The files named, whatever they are called, and of folders those that end like a picture, sorted, each once.

    Raises NothingToDo.
    """
    found: dict[Path, Picture] = {}
    for source in sources:
        if not source.exists():
            raise NothingToDo(f"{shown(source)} does not exist.")
        paths = _in_folder(source, is_recursive=is_recursive) if source.is_dir() else [source]
        folder = source if source.is_dir() else source.parent
        for path in paths:
            found.setdefault(path.resolve(), Picture(path, folder))
    if not found:
        more = "" if is_recursive else " (--recursive looks into its folders too)"
        raise NothingToDo(f"There is no PNG or JPEG in {', '.join(map(shown, sources))}{more}.")
    return list(found.values())


def _in_folder(folder: Path, *, is_recursive: bool) -> list[Path]:
    found: list[Path] = []
    for here, below, names in os.walk(folder):
        below[:] = [name for name in below if is_recursive and not name.startswith(".")]
        paths = (Path(here, name) for name in names if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in ENDINGS and path.is_file()]
    return sorted(found)


def place_drawings(
    pictures: Iterable[Picture], target: Path | None, formats: Collection[str], known: Mapping[Path, Path]
) -> dict[Path, Path]:
    """Where the drawing of each picture goes, without its ending: below `target`, or beside the picture.

    Places given by an earlier run (`known`) stay. `logo.png` becomes `logo`; where another picture or drawing is
    already, `logo.png`, so that nothing is written over what the run reads or makes.
    """
    pictures = list(pictures)
    taken = {picture.path.resolve() for picture in pictures}
    before = {path.resolve(): place for path, place in known.items()}
    places = {it.path: before[it.path.resolve()] for it in pictures if it.path.resolve() in before}
    taken |= {file.resolve() for place in places.values() for file in files_of(place, formats)}
    for picture in pictures:
        if picture.path in places:
            continue
        folder = picture.path.parent if target is None else target / picture.path.parent.relative_to(picture.found_in)
        names = [picture.path.stem, picture.path.name, *(f"{picture.path.name}-{n}" for n in range(2, 1_000))]
        place = next(folder / name for name in names if taken.isdisjoint(_resolved(folder / name, formats)))
        taken |= _resolved(place, formats)
        places[picture.path] = place
    return places


def _resolved(place: Path, formats: Collection[str]) -> set[Path]:
    return {file.resolve() for file in files_of(place, formats)}


def files_of(place: Path, formats: Collection[str]) -> list[Path]:
    """The files of a drawing: the place with each format as its ending."""
    return [place.with_name(f"{place.name}.{name}") for name in formats]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shown(path: Path | str) -> str:
    """A path that can be printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "replace")


def in_the_way(file: Path) -> str:
    """What to say when a drawing would be written over a file that no run of ours is known to have made."""
    return f"{shown(file)} is there already: move it away, or use --overwrite."
