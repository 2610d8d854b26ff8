"""What `python -m tests.quality.promises` counts as kept, and what it does not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.pixels import encoded
from tests.quality.corpus import Variant
from tests.quality.page import PAGE, between
from tests.quality.promises.__main__ import BEGINS, ENDS
from tests.quality.promises.colors import Outcome, Verdict, judged_number, judged_palette, opaque_colors, own_palette
from tests.quality.promises.colors import broken as broken_colors
from tests.quality.promises.formats import WIDTH_MM, read_by
from tests.quality.promises.paints import colors_of
from tests.quality.promises.programs import READERS, Reader, Unreadable, away, run
from tests.quality.promises.scanning import scanned, shot
from tests.quality.promises.speckles import page_edges, speckles
from workers.engine import Report, Traced

SPACE = 'xmlns="http://www.w3.org/2000/svg"'
FADE = '<defs><linearGradient id="fade"><stop stop-color="red"/><stop/></linearGradient></defs>'


def traced(*fills: str, warnings: tuple[str, ...] = ()) -> Traced:
    """A drawing with these fills, whose report says something else."""
    body = "".join(f'<path fill="{fill}" d="M0 0h9v9z"/>' for fill in fills)
    report = Report(1, 3, 99, 9, 9, 100, 1.0, 1.0, 0.0, warnings)
    return Traced(f'<svg {SPACE} viewBox="0 0 9 9">{body}</svg>', report)


@pytest.mark.parametrize(
    ("body", "colors"),
    [
        ('<path d="M0 0h9z"/>', {"#000000"}),
        ('<path fill="#fff" d="M0 0h9z"/><path fill="#FFFFFF" d="M0 0h9z"/>', {"#ffffff"}),
        ('<g fill="red"><rect/><rect fill="none" stroke="#00f"/></g>', {"#ff0000", "#0000ff"}),
        ('<circle fill="red" style="fill: #123456; stroke: none"/>', {"#123456"}),
        (f'{FADE}<path fill="url(#fade)"/>', {"#ff0000", "#000000"}),
        (f'{FADE}<path fill="none"/>', set[str]()),
    ],
)
def test_the_colors_of_an_svg_are_those_that_paint_something(body: str, colors: set[str]) -> None:
    assert colors == colors_of(f"<svg {SPACE}>{body}</svg>")


def test_a_number_of_colors_is_counted_in_the_file_whatever_the_report_says() -> None:
    warned = ("The image gives 2 colors; 4 were asked for.",)
    assert Verdict.HELD == judged_number(traced("#fff", "red"), 2, 9)[0]
    assert Verdict.WARNED == judged_number(traced("#fff", "red", warnings=warned), 4, 2)[0]
    too_few = judged_number(traced("#fff", "red"), 4, 2)[0]
    though_there_are_more = judged_number(traced("#fff", "red", warnings=warned), 4, 9)[0]
    warned_of_another_number = judged_number(traced("#fff", warnings=warned), 4, 2)[0]
    too_many = judged_number(traced("#fff", "red", "blue", warnings=warned), 2, 9)[0]
    assert {Verdict.FAILED} == {too_few, though_there_are_more, warned_of_another_number, too_many}


def test_a_palette_is_broken_by_one_other_color() -> None:
    assert Verdict.HELD == judged_palette(traced("#fff"), ("#ffffff", "#000000"))[0]
    failed = judged_palette(traced("#fff", "#fffffe"), ("#ffffff", "#000000"))
    assert (Verdict.FAILED, "also has #fffffe") == failed
    assert ("logo, png512, palette: also has #fffffe",) == broken_colors(
        [Outcome(Variant.PNG512, "palette", "logo", *failed)]
    )


def test_the_palette_of_a_picture_holds_its_most_frequent_colors_that_differ() -> None:
    picture = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    picture.paste((255, 255, 255, 255), (0, 0, 30, 20))
    picture.paste((250, 250, 250, 255), (0, 20, 30, 26))
    picture.paste((200, 0, 0, 255), (0, 26, 30, 29))
    counted = opaque_colors(picture)
    assert {b"\xff\xff\xff": 600, b"\xfa\xfa\xfa": 180, b"\xc8\x00\x00": 90} == counted
    assert ("#ffffff", "#c80000") == own_palette(counted)


def test_a_reader_that_refuses_a_file_or_sees_another_size_or_picture_is_told() -> None:
    svg = f'<svg {SPACE} width="90" height="90" viewBox="0 0 9 9"><path d="M0 0h9v9H0z"/></svg>'
    pages = {"black": Image.new("RGB", (90, 90)), "white": Image.new("RGB", (90, 90), "white")}

    def refuses(_: bytes) -> tuple[Image.Image, tuple[float, float]]:
        raise Unreadable("no")

    right = Reader("right", "png", lambda _: (pages["black"], (WIDTH_MM, WIDTH_MM)))
    narrow = Reader("narrow", "png", lambda _: (pages["black"], (WIDTH_MM - 1, WIDTH_MM)))
    empty = Reader("empty", "png", lambda _: (pages["white"], (WIDTH_MM, WIDTH_MM)))
    said = [read_by(reader, "logo", b"", svg).wrong for reader in (right, narrow, empty, Reader("x", "png", refuses))]
    assert ["", "119.00 × 120.00 mm", "255.00 of 255 off", "Unreadable: no"] == said


def test_a_program_that_is_not_installed_is_named_and_every_format_has_a_reader() -> None:
    absent = Reader("Nobody", "svg", READERS[0].read, "no-such-program", "no-such-package")
    assert (False, True) == (absent.is_here(), READERS[0].is_here())
    assert len(away()) == len({reader.program for reader in READERS if not reader.is_here()})
    assert {"svg", "pdf", "eps", "dxf", "png"} == {reader.format for reader in READERS}
    assert {"svg", "pdf", "dxf", "png"} == {reader.format for reader in READERS if not reader.program}


def test_a_program_that_fails_leaves_an_unreadable_file() -> None:
    with pytest.raises(Unreadable, match="false"):
        run(["false", "{input}", "{output}"], b"", "svg")


def test_specks_are_counted_away_from_edges_alone() -> None:
    page = Image.new("RGB", (100, 100), (240, 238, 230))
    ImageDraw.Draw(page).rectangle((60, 60, 99, 99), fill="navy")
    drawn = page.copy()
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((58, 60, 59, 99), fill="navy")  # an edge two pixels off
    truth = np.asarray(page)
    assert 0 == speckles(truth, np.asarray(drawn))
    pen.rectangle((20, 20, 22, 22), fill="black")
    pen.rectangle((80, 80, 82, 82), fill="white")
    assert 2 == speckles(truth, np.asarray(drawn))


def test_a_page_in_pieces_has_edges_and_a_soft_one_none() -> None:
    paper = (240, 238, 230)
    truth = np.asarray(Image.new("RGB", (100, 100), paper))
    soft = truth - np.arange(100, dtype=np.uint8)[:, None, None] // 5
    pieces = truth.copy()
    pieces[:50] -= 8
    assert (0.0, 0.0) == (page_edges(truth, truth, paper), page_edges(truth, soft, paper))
    assert 1000 * 100 / (2 * 99 * 100) == page_edges(truth, pieces, paper)


def test_scans_and_screenshots_are_the_same_every_time_and_flawed() -> None:
    svg = f'<svg {SPACE} width="90" height="90" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3" fill="#a23"/></svg>'
    for take in (scanned, shot):
        for number in (0, 1):
            first, again = take(svg, number), take(svg, number)
            assert (first.data, first.clean) == (again.data, again.clean)
            assert first.data != first.clean == encoded(first.truth)
            assert first.data.startswith(b"\xff\xd8" if number else b"\x89PNG")


def test_the_page_has_a_place_for_the_tables_and_keeps_all_else() -> None:
    page = PAGE.read_text("utf-8")
    written = between(page, BEGINS, ENDS, "new")
    assert f"{BEGINS}\nnew\n\n{ENDS}" in written
    assert [page.partition(BEGINS)[0], page.partition(ENDS)[2]] == [
        written.partition(BEGINS)[0],
        written.partition(ENDS)[2],
    ]
    with pytest.raises(ValueError, match="lacks the mark"):
        between("no marks", BEGINS, ENDS, "new")
