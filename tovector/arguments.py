"""What both ways of vectorizing take from the command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tovector.pictures import Picture, find_pictures
from tovector.problems import OptionsRefused

Command = Callable[..., Any]


def drawing_options(command: Command) -> Command:
    """Sources, `--output`, `--format`, `--preset`, `--option`, `--recursive` and `--overwrite`."""
    for decorate in (
        click.option("--overwrite", "may_overwrite", is_flag=True, help="Write over files that were there before."),
        click.option("-r", "--recursive", "is_recursive", is_flag=True, help="Look into the folders of folders too."),
        click.option(
            "--option", "pairs", multiple=True, metavar="NAME=VALUE",
            help="A trace option such as colors=8 or background=remove; may be given several times.",
        ),
        click.option(
            "--format", "formats", multiple=True, metavar="NAME",
            help="A file format; may be given several times. [svg]",
        ),
        click.option("--preset", metavar="NAME", help="What kind of picture it is: auto, logo, line-art, photo, ..."),
        click.option(
            "-o", "--output", type=click.Path(path_type=Path),
            help="The drawing's file, or a folder for the drawings; beside the images by default.",
        ),
        click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path)),
    ):  # fmt: skip
        command = decorate(command)
    return command


def read_options(preset: str | None, pairs: tuple[str, ...]) -> dict[str, object]:
    """Trace options from `name=value`: numbers, true, false and JSON lists as such, all else as text.

    A name given several times is a list. Which names and values there are, the server or the engine judges.
    """
    options: dict[str, object] = {} if preset is None else {"preset": preset}
    given: dict[str, list[object]] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.strip():
            raise OptionsRefused(f"{pair} is no option: say name=value, such as colors=8.")
        given.setdefault(name.strip().replace("-", "_"), []).append(_value(text.strip()))
    return options | {name: values[0] if len(values) == 1 else values for name, values in given.items()}


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True)
class Target:
    """Where drawings go: `place` is that of the only one, without its ending; else `folder` (None: beside each)."""

    pictures: list[Picture]
    folder: Path | None
    place: Path | None
    formats: tuple[str, ...]


def find_target(
    sources: tuple[Path, ...], output: Path | None, formats: tuple[str, ...], *, is_recursive: bool
) -> Target:
    """The pictures that are meant, the files wanted and where they go.

    One picture's `--output` is its drawing's file, which also says the format, unless it is a folder or ends in `/`.
    Raises NothingToDo and OptionsRefused.
    """
    is_one = len(sources) == 1 and not sources[0].is_dir()
    pictures = find_pictures(sources, is_recursive=is_recursive)
    names_file = is_one and output is not None and not output.is_dir() and output.suffix
    if output is None or not names_file:
        if output is not None and output.exists() and not output.is_dir():
            raise OptionsRefused(f"{output} is a file: several drawings need a folder.")
        return Target(pictures, output, None, formats or ("svg",))
    ending = output.suffix[1:].lower()
    if formats and ending not in formats:
        raise OptionsRefused(f"{output} does not end like any of the formats: {', '.join(formats)}.")
    return Target(pictures, None, output.with_suffix(""), formats or (ending,))
