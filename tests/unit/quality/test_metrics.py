"""The measures of `make quality`: a perfect copy scores perfectly, and each flaw lowers what it should lower."""

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.quality.edges import edge_f1, edge_map, widened
from tests.quality.metrics import color_error, gaps, structural_similarity
from tests.quality.pixels import Samples, alpha, on_page, render
from tests.quality.structure import Structure, segments_of_path, structure_of

SIDE = 96


def picture() -> Image.Image:
    """A disc and a sharp triangle on white."""
    page = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(page)
    pen.ellipse((10, 10, 50, 50), fill="#c02030")
    pen.polygon((40, 88, 64, 30, 90, 88), fill="#2040a0")
    return page


def shifted(pixels: int) -> Image.Image:
    """The same, moved to the right."""
    return ImageChops.offset(picture(), pixels, 0)


def blurred() -> Image.Image:
    """The same out of focus."""
    return picture().filter(ImageFilter.GaussianBlur(3))


def samples(image: Image.Image) -> Samples:
    return np.asarray(image)


def f1(drawn: Image.Image) -> float:
    return edge_f1(edge_map(samples(picture())), edge_map(samples(drawn)))


def ssim(drawn: Image.Image) -> float:
    return structural_similarity(samples(picture()), samples(drawn))


def test_a_perfect_copy_scores_perfectly() -> None:
    copy = picture()
    assert (0.0, 100.0, 100.0) == (color_error(samples(picture()), samples(copy)), round(ssim(copy), 6), f1(copy))


def test_a_shift_within_reach_costs_likeness_but_no_edges() -> None:
    assert f1(shifted(1)) == 100.0
    assert ssim(shifted(1)) < 99


def test_a_shift_beyond_reach_costs_edges() -> None:
    assert f1(shifted(4)) < f1(shifted(1)) - 30
    assert ssim(shifted(4)) < ssim(shifted(1))


def test_a_blur_costs_likeness() -> None:
    assert ssim(blurred()) < 97
    assert color_error(samples(picture()), samples(blurred())) > 1


def test_the_color_error_is_the_mean_difference_over_channels() -> None:
    black, red = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 90
    assert 30.0 == color_error(black, red) == color_error(red, black)


def test_likeness_is_that_of_the_formula_where_nothing_varies() -> None:
    """Two flat pictures: only the first factor of SSIM is left, (2ab + C1) / (a² + b² + C1)."""
    first, second = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = 100 * (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert math.isclose(expected, structural_similarity(first, second), abs_tol=1e-9)


def test_a_large_picture_is_compared_at_half_its_size() -> None:
    """A checkerboard of single pixels is flat gray at half its size, and nothing like it at its own."""
    board = np.indices((1200, 8)).sum(0) % 2 * 255
    fine = np.repeat(board.astype(np.uint8)[..., None], 3, axis=2)
    flat = np.full_like(fine, 127)
    assert structural_similarity(fine, flat) > 99 > 10 > structural_similarity(fine[:600], flat[:600])


def test_edges_are_where_a_picture_changes_and_one_pixel_wide() -> None:
    page = np.zeros((20, 20, 3), np.uint8)
    page[:, 10:, 1] = 200
    edges = edge_map(page)
    assert [1] * 20 == edges.sum(1).tolist()
    assert edges[:, 9:11].any(1).all()


def test_a_faint_edge_counts_only_where_a_strong_one_leads_to_it() -> None:
    page = np.zeros((40, 20, 3), np.uint8)
    page[:, 10:] = 20
    alone = edge_map(page)
    page[10:, 10:] = np.linspace(20, 80, 30, dtype=np.uint8)[:, None, None]
    assert (0, True) == (int(alone.sum()), bool(edge_map(page)[5].any()))


def test_a_picture_without_edges_agrees_with_another_and_with_no_other() -> None:
    flat = edge_map(np.zeros((20, 20, 3), np.uint8))
    some = edge_map(samples(picture())[:20, :20])
    assert (100.0, 0.0, 0.0) == (edge_f1(flat, flat), edge_f1(some, flat), edge_f1(flat, some))


def test_an_edge_is_widened_to_a_disc() -> None:
    point = np.zeros((7, 7), np.bool_)
    point[0, 3] = True
    expected = [[0, 1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0, 0]]
    assert expected == widened(point, 2.0).astype(int).tolist()[:3]


def test_a_gap_between_two_shapes_is_found() -> None:
    box = '<path d="M{} 0h{}v40h-{}z"/>'
    whole = render(svg(box.format(0, 40, 40)), 80)
    parted = render(svg(box.format(0, 20, 20) + box.format(21, 19, 19)), 80)
    assert (0.0, 25.0) == (gaps(alpha(whole), alpha(whole)), gaps(alpha(whole), alpha(parted)))


def test_what_is_missing_near_the_outline_is_no_gap() -> None:
    large, small = (render(svg(f'<path d="M{k} {k}h{40 - 2 * k}v{40 - 2 * k}h-{40 - 2 * k}z"/>'), 40) for k in (4, 6))
    assert 0.0 == gaps(alpha(large), alpha(small))


def svg(body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" viewBox="0 0 40 40">{body}</svg>'


def test_transparency_shows_on_a_gray_page_what_white_hides() -> None:
    clear, white = render(svg(""), 8), render(svg('<path fill="#fff" d="M0 0h40v40H0z"/>'), 8)
    assert 0.0 == color_error(on_page(clear), on_page(white))
    assert 127.0 == color_error(on_page(clear, 128), on_page(white, 128))


def test_segments_are_counted_as_they_are_drawn() -> None:
    assert 0 == segments_of_path("M1 2zm3-4z")
    assert 2 == segments_of_path("M1 2 3 4 5 6")
    assert 3 == segments_of_path("M0 0c1 2 3 4 5 6 1 2 3 4 5 6L9e-1.5z")
    assert 2 == segments_of_path("M0,0a1 1 0 01.5.5 2 2 0 1 1 3-3")
    assert 5 == segments_of_path("M0 0h1 2v3H4V.5z")


def test_an_svg_is_counted_by_what_it_draws() -> None:
    drawing = svg(
        '<defs><linearGradient id="g"><stop stop-color="#f00"/><stop style="stop-color: #00F"/></linearGradient></defs>'
        '<rect fill="url(#g)" width="4" height="4"/><circle r="3" fill="#F00"/>'
        '<polygon points="0,0 1,1 2,0" style="fill:#0f0;stroke:none"/><path d="M0 0h4v4z"/>'
    )
    assert Structure(segments=13, paths=4, colors=3) == structure_of(drawing)
