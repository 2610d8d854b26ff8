"""Pictures side by side on one white page, each under its caption."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP = 16
CAPTION = 30
INK = "#1c2430"

Panel = tuple[str, Image.Image]
"""A caption and the picture below it."""


def page_of(rows: Sequence[Sequence[Panel]], width: int) -> Image.Image:
    """The rows one below the other; every column is `width` pixels wide, every row as high as its highest picture."""
    heights = [max(panel.height for _, panel in row) + CAPTION for row in rows]
    columns = max(len(row) for row in rows)
    page = Image.new("RGB", (columns * width + (columns + 1) * GAP, sum(heights) + GAP * (len(rows) + 1)), "white")
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=16)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (caption, panel) in enumerate(row):
            left = GAP + column * (width + GAP)
            pen.text((left, top), caption, fill=INK, font=font)
            page.paste(panel, (left, top + CAPTION), panel if panel.mode == "RGBA" else None)
        top += height + GAP
    return page
