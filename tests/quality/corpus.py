"""The corpus: drawings with their truth, and the pictures of them that tracers are given.

It is the same on every machine: names are sorted, then shuffled by a seed, and the first that can be used are taken.
"""

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image

from tests.quality.drawn import drawn
from tests.quality.fetching import SourceMissing, drawings_of, photos_of
from tests.quality.pixels import TRUTH_SIDE, on_page, render
from tests.quality.sources import DRAWINGS, PHOTOS, SEED, Drawings, Kind

UNUSABLE = re.compile(r"<(text|image|animate|animateTransform|foreignObject|switch|set)\b")
MOST_BYTES = 300_000
FORM = 3
"""Part of the corpus's identity: raised when the pictures would come out otherwise."""


class Variant(StrEnum):
    """What a tracer is given: long side in pixels and form. All but `rgba512` stand on a white page."""

    PNG512 = "png512"
    PNG128 = "png128"
    JPG512 = "jpg512"
    RGBA512 = "rgba512"


@dataclass(frozen=True, slots=True)
class Entry:
    """One drawing: whence it comes, and its files below the corpus's folder.

    `truth` is an SVG, or for a photo, which has no other truth, the PNG that is traced.
    """

    kind: Kind
    name: str
    source: str
    licence: str
    truth: str
    inputs: dict[Variant, str]


@dataclass(frozen=True, slots=True)
class Corpus:
    """All drawings, and sentences about what is not there."""

    folder: Path
    entries: tuple[Entry, ...]
    missing: tuple[str, ...]
    published: bool


def limited(entries: Iterable[Entry], limit: int | None) -> list[Entry]:
    """At most so many of each class, taken in turns from its sources, so that few are still of every kind."""
    chosen = list[Entry]()
    for kind in Kind:
        by_source = dict[str, list[Entry]]()
        for entry in entries:
            if entry.kind is kind:
                by_source.setdefault(entry.source, []).append(entry)
        turns = [(turn, entry) for group in by_source.values() for turn, entry in enumerate(group)]
        chosen += [entry for _, entry in sorted(turns, key=lambda pair: pair[0])][:limit]
    return chosen


def corpus(home: Path, *, published: bool) -> Corpus:
    """The corpus below `home`, built if it is not there yet.

    Of published packages, or, if none can be had or none is wanted, of drawings made here by a seeded script. A
    corpus that lacks some package is built again the next time, as the package may be there by then.
    """
    if published:
        found = _kept(home / "published", lambda folder: _published(folder, home / "packages"))
        if any(entry.kind is not Kind.PHOTO for entry in found.entries):
            return found
        made = corpus(home, published=False)
        return Corpus(made.folder, made.entries, found.missing, published=False)
    return _kept(home / "drawn", _drawn)


def _kept(folder: Path, build: Callable[[Path], tuple[list[Entry], list[str]]]) -> Corpus:
    manifest, identity = folder / "manifest.json", _identity(folder.name)
    if manifest.exists() and (kept := json.loads(manifest.read_text("utf-8")))["identity"] == identity:
        entries = [_entry(**entry) for entry in kept["entries"]]
        return Corpus(folder, tuple(entries), (), folder.name == "published")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries, missing = build(folder)
    if not missing:
        whole = {"identity": identity, "entries": [asdict(entry) for entry in entries]}
        manifest.write_text(json.dumps(whole, indent=1), "utf-8")
    return Corpus(folder, tuple(entries), tuple(missing), folder.name == "published")


def _entry(kind: str, inputs: dict[str, str], **strings: str) -> Entry:
    return Entry(kind=Kind(kind), inputs={Variant(name): path for name, path in inputs.items()}, **strings)


def _identity(name: str) -> str:
    code = (Path(__file__).parent / "drawn.py").read_text("utf-8") if name == "drawn" else f"{DRAWINGS}{PHOTOS}"
    return hashlib.sha256(f"{FORM} {SEED} {code}".encode()).hexdigest()[:16]


def _published(folder: Path, cache: Path) -> tuple[list[Entry], list[str]]:
    entries, missing = list[Entry](), list[str]()
    for source in DRAWINGS:
        try:
            entries += _sampled(source, folder, cache)
        except SourceMissing as error:
            missing.append(str(error))
    for source in PHOTOS:
        try:
            for name, picture in photos_of(source, cache):
                entries.append(_photo(folder, name, picture, f"{source.package} {source.version}", source.licence))
        except SourceMissing as error:
            missing.append(str(error))
    return entries, list(dict.fromkeys(missing))


def _sampled(source: Drawings, folder: Path, cache: Path) -> Iterator[Entry]:
    candidates = sorted(drawings_of(source, cache).items())
    random.Random(f"{SEED} {source.kind} {source.package}").shuffle(candidates)
    taken = 0
    for name, text in candidates:
        if taken < source.count and (svg := text()) and _wanted(svg, source.gradients):
            picture = _rendered(svg)
            if picture is not None:
                taken += 1
                stem = f"{source.package.split('/')[-1]}--{name}"
                yield _drawing(folder, source.kind, stem, svg, f"{source.package} {source.version}", source.licence)


def _wanted(svg: str, gradients: bool | None) -> bool:
    """Drawings that lean on fonts, bitmaps or animation have no truth of their own."""
    if UNUSABLE.search(svg) or len(svg) > MOST_BYTES:
        return False
    return gradients is None or gradients == ("Gradient" in svg)


def _rendered(svg: str) -> Image.Image | None:
    """A first look at the drawing, or None if there is too little to see or it cannot be rendered."""
    try:
        picture = render(svg, TRUTH_SIDE // 8)
    except ValueError:
        return None
    shown = on_page(picture)
    enough = min(picture.size) >= TRUTH_SIDE // 32 and float(np.asarray(shown, np.float32).std()) > 4
    return picture if enough else None


def _drawn(folder: Path) -> tuple[list[Entry], list[str]]:
    entries = list[Entry]()
    for kind, name, made in drawn(SEED):
        if isinstance(made, str):
            entries.append(_drawing(folder, kind, name, made, "drawn here", "MIT"))
        else:
            entries.append(_photo(folder, name, made, "drawn here", "MIT"))
    return entries, []


def _drawing(folder: Path, kind: Kind, name: str, svg: str, source: str, licence: str) -> Entry:
    name = re.sub(r"[^\w.-]", "_", name)
    truth = f"truth/{kind}/{name}.svg"
    _make(folder / truth).write_text(svg, "utf-8")
    large, small = render(svg, 512), render(svg, 128)
    pictures = {
        Variant.PNG512: Image.fromarray(on_page(large)),
        Variant.PNG128: Image.fromarray(on_page(small)),
        Variant.JPG512: Image.fromarray(on_page(large)),
        Variant.RGBA512: large,
    }
    return Entry(kind, name, source, licence, truth, _saved(folder, kind, name, pictures.items()))


def _photo(folder: Path, name: str, picture: Image.Image, source: str, licence: str) -> Entry:
    picture.thumbnail((512, 512), Image.Resampling.LANCZOS)
    inputs = _saved(folder, Kind.PHOTO, name, [(Variant.PNG512, picture), (Variant.JPG512, picture)])
    return Entry(Kind.PHOTO, name, source, licence, inputs[Variant.PNG512], inputs)


def _saved(folder: Path, kind: Kind, name: str, pictures: Iterable[tuple[Variant, Image.Image]]) -> dict[Variant, str]:
    """The pictures as files; JPEG as people send them: quality 60, colors at half the resolution."""
    inputs = dict[Variant, str]()
    for variant, picture in pictures:
        inputs[variant] = f"{variant}/{kind}/{name}.{variant[:3] if variant is Variant.JPG512 else 'png'}"
        path = _make(folder / inputs[variant])
        if variant is Variant.JPG512:
            picture.save(path, quality=60, subsampling="4:2:0")
        else:
            picture.save(path)
    return inputs


def _make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
