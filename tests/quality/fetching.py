"""Getting packages by their ordinary clients, and reading the drawings and photos inside them."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from PIL import Image

from tests.quality.sources import Drawings, Photos

FETCH_SECONDS = 180


class SourceMissing(Exception):
    """A package that could not be had: the message says which, and what to do."""


def npm_package(name: str, version: str, cache: Path) -> Path:
    """The package as npm packs it, fetched once. Raises SourceMissing."""
    target = cache / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
    if not target.exists():
        if shutil.which("npm") is None:
            raise SourceMissing("npm is not installed (Debian and Ubuntu: apt install npm)")
        fetch(
            ["npm", "pack", "--silent", "--fetch-retries=1", f"{name}@{version}"], f"{name} {version} from npm", target
        )
    return target


def wheel(name: str, version: str, cache: Path) -> Path:
    """The wheel of a package on PyPI, fetched once. Raises SourceMissing."""
    target = cache / f"{name}-{version}.whl"
    if not target.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--retries=1",
            "--no-deps",
        ]
        fetch([*command, "--only-binary=:all:", f"{name}=={version}"], f"{name} {version} from PyPI", target)
    return target


def fetch(command: list[str], what: str, target: Path) -> None:
    """Run a client in a folder of its own and keep the one file that it leaves. Raises SourceMissing."""
    folder = target.with_suffix(".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_SECONDS)
        (file,) = folder.iterdir()
        file.replace(target)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SourceMissing(f"could not fetch {what}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def drawings_of(source: Drawings, cache: Path) -> dict[str, Callable[[], str]]:
    """What gives the SVG text of each drawing that the source names, by name. Raises SourceMissing."""
    path = npm_package(source.package, source.version, cache)
    with tarfile.open(path) as package:
        found = dict(_icons(package) if source.pattern == "icons.json" else _files(package, source.pattern))
    left_out = source.leave_out
    return {name: text for name, text in found.items() if not (left_out and left_out in name)}


def _files(package: tarfile.TarFile, pattern: str) -> Iterator[tuple[str, Callable[[], str]]]:
    for member in package.getmembers():
        if fnmatchcase(member.name, pattern) and (file := package.extractfile(member)) is not None:
            text = file.read().decode("utf-8", "replace")
            folders = member.name.removesuffix(".svg").split("/")
            yield "-".join(folders[-2:]), lambda text=text: text


def _icons(package: tarfile.TarFile) -> Iterator[tuple[str, Callable[[], str]]]:
    """Icons in the form of Iconify: bodies without their `svg` element; `currentColor` is black here."""
    file = package.extractfile("package/icons.json")
    assert file is not None
    icons = json.load(file)
    for name, icon in icons["icons"].items():
        if not icon.get("hidden"):
            yield name, lambda icon=icon: _svg({**icons, **icon})


def _svg(icon: dict[str, Any]) -> str:
    left, top, width, height = (icon.get(*pair) for pair in (("left", 0), ("top", 0), ("width", 16), ("height", 16)))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">'
        f"{icon['body'].replace('currentColor', '#000')}</svg>"
    )


def photos_of(source: Photos, cache: Path) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of each photo that the source names. Raises SourceMissing."""
    with zipfile.ZipFile(wheel(source.package, source.version, cache)) as package:
        for path in source.paths:
            yield Path(path).stem, Image.open(io.BytesIO(package.read(path))).convert("RGB")
