"""Programs that read drawings and share no code with our writers: each gives the picture it sees, and the size.

Those that are packages of Python are always there; of the others, those that are not installed are named.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from dev.render import render as thorvg
from shared.outputs import Format
from tests.readers import DPI, dxf_picture, pdf_page

DXF_PIXELS = 700
LONGEST_SECONDS = 60
PER_MM = {"": 25.4 / 96, "mm": 1.0, "in": 25.4}

Seen = tuple[Image.Image, tuple[float, float]]
"""A picture, and width and height in millimeters."""


class Unreadable(Exception):
    """A reader refuses a file; the text says why."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a format. `program` is what has to be installed, with the package that brings it on Debian."""

    name: str
    format: Format
    read: Callable[[bytes], Seen]
    program: str = ""
    package: str = ""

    def is_here(self) -> bool:
        """Whether it can be asked."""
        return not self.program or shutil.which(self.program) is not None


def run(command: list[str], data: bytes, ending: str) -> Image.Image:
    """The PNG that a program writes to `{output}.png`, of a file that it reads from `{input}`. Raises Unreadable."""
    with tempfile.TemporaryDirectory(prefix="tovector-promises-") as folder:
        source, target = Path(folder) / f"drawing.{ending}", Path(folder) / "seen"
        source.write_bytes(data)
        words = [word.format(input=source, output=target) for word in command]
        try:
            done = subprocess.run(words, capture_output=True, timeout=LONGEST_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise Unreadable(f"{command[0]} took longer than {LONGEST_SECONDS} s") from error
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        picture = target.with_suffix(".png")
        if done.returncode or not picture.exists():
            raise Unreadable(f"{command[0]}: {said[-150:] or done.returncode}")
        return Image.open(BytesIO(picture.read_bytes())).convert("RGBA")


def by_pixels(picture: Image.Image) -> Seen:
    """What was rendered at `DPI`, as large as its pixels say."""
    return picture, (picture.width * 25.4 / DPI, picture.height * 25.4 / DPI)


def svg_by_thorvg(data: bytes) -> Seen:
    """ThorVG draws at the pixels asked for; the size is read from the root element."""
    sides = re.search(rb' width="([\d.]+)(mm|in|)" height="([\d.]+)(?:mm|in|)"', data)
    if sides is None:
        raise Unreadable("the root element has no size")
    width, height = (float(sides[k]) * PER_MM[sides[2].decode()] for k in (1, 3))
    return thorvg(data, round(width / 25.4 * DPI), round(height / 25.4 * DPI)), (width, height)


def svg_by_rsvg(data: bytes) -> Seen:
    """librsvg at so many pixels to an inch."""
    dpi = str(DPI)
    command = ["rsvg-convert", "--dpi-x", dpi, "--dpi-y", dpi, "--output", "{output}.png", "{input}"]
    return by_pixels(run(command, data, "svg"))


def svg_by_inkscape(data: bytes) -> Seen:
    """Inkscape's export of the page."""
    command = ["inkscape", f"--export-dpi={DPI}", "--export-area-page", "--export-filename={output}.png", "{input}"]
    return by_pixels(run(command, data, "svg"))


def pdf_by_poppler(data: bytes) -> Seen:
    """The first page by pdftoppm."""
    return by_pixels(run(["pdftoppm", "-singlefile", "-png", "-r", str(DPI), "{input}", "{output}"], data, "pdf"))


def by_ghostscript(ending: str) -> Callable[[bytes], Seen]:
    """Ghostscript's page of a PDF or an EPS, at four times the pixels, then reduced."""
    switches = ["-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dEPSCrop", f"-r{4 * DPI}", "-dDownScaleFactor=4"]
    command = ["gs", *switches, "-sDEVICE=png16m", "-sOutputFile={output}.png", "{input}"]
    return lambda data: by_pixels(run(command, data, ending))


def dxf_by_ezdxf(data: bytes) -> Seen:
    """ezdxf reads and audits it; resvg fills its outlines."""
    picture, document = dxf_picture(data, DXF_PIXELS)
    audit = document.audit()
    if audit.errors or audit.fixes:
        raise Unreadable(f"the audit finds {len(audit.errors)} errors and {len(audit.fixes)} things to mend")
    if document.header["$INSUNITS"] != 4:
        raise Unreadable("not in millimeters")
    right, top, _ = document.header["$EXTMAX"]
    return picture, (right, top)


def png_by_pillow(data: bytes) -> Seen:
    """Pillow, with the resolution that the file tells."""
    picture = Image.open(BytesIO(data))
    across, down = picture.info["dpi"]
    return picture.convert("RGBA"), (picture.width * 25.4 / across, picture.height * 25.4 / down)


READERS = (
    Reader("ThorVG", "svg", svg_by_thorvg),
    Reader("librsvg", "svg", svg_by_rsvg, "rsvg-convert", "librsvg2-bin"),
    Reader("Inkscape", "svg", svg_by_inkscape, "inkscape", "inkscape"),
    Reader("PDFium", "pdf", pdf_page),
    Reader("Poppler", "pdf", pdf_by_poppler, "pdftoppm", "poppler-utils"),
    Reader("Ghostscript", "pdf", by_ghostscript("pdf"), "gs", "ghostscript"),
    Reader("Ghostscript", "eps", by_ghostscript("eps"), "gs", "ghostscript"),
    Reader("ezdxf", "dxf", dxf_by_ezdxf),
    Reader("Pillow", "png", png_by_pillow),
)


def away() -> list[str]:
    """A sentence for each program that is not installed, so that it is not left out in silence."""
    absent = {reader.program: reader for reader in READERS if not reader.is_here()}
    return [
        f"{reader.name} was not asked: `{program}` is not installed (Debian and Ubuntu: apt install {reader.package})."
        for program, reader in absent.items()
    ]
