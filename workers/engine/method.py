"""Our own method, start to end: labels, regions, soft areas, stacking, sub-pixel rings, curves, paints."""

from dataclasses import dataclass, replace

import numpy as np

from workers.engine.areas import Areas, areas_of, segments_of
from workers.engine.background import background_regions
from workers.engine.bundling import Placed, bundled
from workers.engine.color import Floats, perceived, unclipped
from workers.engine.cutting import CutTracer
from workers.engine.denoise import denoised
from workers.engine.drawing import Shape
from workers.engine.exact import exact_palette, fills_of, with_fewer_fills
from workers.engine.fatness import thinned
from workers.engine.labels import Labelled, label_pixels
from workers.engine.outlines import outline_shapes
from workers.engine.paints import fill_of, flat_paint
from workers.engine.palette import Histogram
from workers.engine.pathdata import rectangle
from workers.engine.prune import without_ramps
from workers.engine.pure import pure_colors
from workers.engine.recipe import Recipe
from workers.engine.regions import Regions
from workers.engine.rings import Tracer
from workers.engine.samples import Samples
from workers.engine.slivers import without_slivers
from workers.engine.softness import Paint
from workers.engine.stacking import Stack, stack_regions
from workers.engine.translucency import layers

TRIES = tuple((extra, edges) for edges in (False, True) for extra in (0, 1, 3, 7, 15))
"""How many more colors than asked for are tried, one after the other, until enough of them show: those of flat areas
and strokes first, then those of edges as well."""


@dataclass(frozen=True, slots=True)
class Art:
    """What the method draws: shapes in order and the gradients they use; `fault` says why it could not."""

    shapes: tuple[Shape, ...]
    definitions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fault: str = ""


def draw_art(samples: Samples, recipe: Recipe) -> Art:
    """Trace a picture."""
    if recipe.denoise:
        samples = Samples(denoised(samples.pixels, recipe.denoise), samples.opaque)
    if recipe.exact_colors:
        return draw_exactly(samples, recipe)
    if recipe.palette:
        return draw_with_palette(samples, recipe)
    if recipe.segmentation:
        return draw_areas(samples, segments_of(samples, recipe, recipe.segmentation), recipe)
    labelled = labelled_by(samples, find_palette(samples, recipe), recipe, fixed=recipe.squares)
    if recipe.denoise:
        labelled = without_slivers(samples.pixels, labelled, recipe.labels.mix_error)
    return draw_labels(samples, labelled, recipe)


def labelled_by(samples: Samples, palette: Floats, recipe: Recipe, *, fixed: bool) -> Labelled:
    """Every pixel with a color of the palette, or of the strokes that are added to it unless it is fixed."""
    flat, histogram = samples.flat(recipe.flat), samples.histogram(recipe.flat)
    return label_pixels(samples.pixels, flat, histogram, palette, recipe.labels, fixed=fixed)


def draw_exactly(samples: Samples, recipe: Recipe) -> Art:
    """Trace with exactly the number of colors asked for, as far as the picture has that many.

    A color may lose all its shapes to the limits on small ones. Then more colors are tried and the closest of those
    that show are made one, until the number is right. A picture with fewer flat colors than asked for gives its
    edges' shades, too.
    """
    wanted, best, tried = recipe.exact_colors, Art(()), set[tuple[int, bool]]()
    for extra, edges in TRIES:
        palette = palette_of(samples, wanted + extra, recipe)
        if (len(palette), edges) in tried:
            continue
        tried.add((len(palette), edges))
        labelled = closest_labels(samples, palette) if edges else labelled_by(samples, palette, recipe, fixed=True)
        art = draw_labels(samples, labelled, replace(recipe, smallest_region=1) if extra or edges else recipe)
        if len(fills_of(art.shapes)) > len(fills_of(best.shapes)):
            best = art
        if len(fills_of(best.shapes)) >= wanted:
            break
    shapes = with_fewer_fills(best.shapes, wanted)
    found = len(fills_of(shapes))
    short = (f"The image gives {found} colors; {wanted} were asked for.",) if found < wanted else ()
    return replace(best, shapes=shapes, warnings=best.warnings + short)


def palette_of(samples: Samples, colors: int, recipe: Recipe) -> Floats:
    """A palette of so many colors, or of all there are."""
    fewest = recipe.labels.fewest_pixels
    return exact_palette(samples.pixels, samples.flat(recipe.flat), colors, fewest)


def closest_labels(samples: Samples, palette: Floats) -> Labelled:
    """Every pixel with the palette color closest to its own, whether it lies on an edge or not."""
    everywhere = np.ones(samples.pixels.shape[:2], np.bool_)
    found = Histogram(samples.pixels, everywhere)
    return Labelled(found.labels(samples.pixels, everywhere, palette), palette)


def draw_with_palette(samples: Samples, recipe: Recipe) -> Art:
    """Trace with the colors given and no others; clear pixels stay clear."""
    palette = np.array([[*bytes.fromhex(color[1:]), 255] for color in recipe.palette], float)
    if not samples.opaque:
        palette = np.vstack([palette, np.zeros((1, 4))])
    # First as the picture is, so that edges are found between its own colors; then each color becomes the nearest.
    labelled = labelled_by(samples, find_palette(samples, recipe), recipe, fixed=False)
    nearest = ((perceived(labelled.palette)[:, None] - perceived(palette)[None]) ** 2).sum(2).argmin(1)
    grouped = Labelled(nearest.astype(np.int16)[labelled.labels], palette)
    return draw_labels(samples, grouped, recipe, edges=labelled)


def find_palette(samples: Samples, recipe: Recipe) -> Floats:
    """The flat colors; those of all pixels if nothing is flat."""
    labels, pixels = recipe.labels, samples.pixels
    flat, histogram = samples.flat(recipe.flat), samples.histogram(recipe.flat)
    pure = pure_colors(pixels, samples.flat(0), labels.fewest_pixels, histogram) if labels.pure else None
    palette = histogram.palette(recipe.most_colors, labels.radius, labels.fewest_pixels, peaks=labels.peaks, pure=pure)
    if not len(palette):
        everything = Histogram(pixels, np.ones_like(flat))
        return everything.palette(recipe.most_colors, recipe.labels.radius, 1)
    if recipe.prune:
        return without_ramps(pixels, flat, histogram, palette, recipe.labels.mix_error)
    return palette


def draw_labels(samples: Samples, labelled: Labelled, recipe: Recipe, edges: Labelled | None = None) -> Art:
    """Stacking, outlines and paints of a labelled picture; `edges` has its true colors if these differ."""
    return draw_areas(samples, areas_of(samples, labelled, recipe), recipe, edges)


def draw_areas(samples: Samples, areas: Areas, recipe: Recipe, edges: Labelled | None = None) -> Art:
    """Stacking, outlines and paints of the areas of a picture."""
    regions, labelled, paints, borders = areas.regions, areas.labelled, areas.paints, areas.borders
    pixels = samples.pixels
    colors = labelled.palette[regions.labels]
    hidden = areas.clear()
    ground = np.empty(0, np.intp)
    if recipe.background != "keep":
        ground = background_regions(regions, labelled.palette if recipe.segmentation else None)
    if recipe.background == "remove":
        hidden[ground] = True
    by_color = recipe.segmentation is not None
    stack = stack_regions(regions, borders, hidden, colors, paints, by_color=by_color)
    sharp = thinned(pixels, regions, stack.ranks()) if recipe.soft_step else pixels
    tracer = Tracer(sharp, edges or labelled, regions.ids, stack.covers(), recipe)
    art = paint_shapes(stack, tracer, regions, labelled, paints, recipe)
    shapes = art.shapes
    if recipe.background.startswith("#"):
        shapes = repainted(shapes, {int(i) for i in ground}, recipe, regions)
    shapes = bundled(shapes)
    warnings = ("The image is very noisy; small shapes were left out.",) if areas.coarse else ()
    return Art(tuple(placed.shape for placed in shapes), art.definitions, warnings)


@dataclass(frozen=True, slots=True)
class Painted:
    """Shapes with their places, and gradients."""

    shapes: list[Placed]
    definitions: tuple[str, ...]


def paint_shapes(
    stack: Stack, tracer: Tracer, regions: Regions, labelled: Labelled, paints: dict[int, Paint], recipe: Recipe
) -> Painted:
    """Outline and fill every shape."""
    shapes, definitions = list[Placed](), list[str]()
    outlines = list(outline_shapes(stack, alone=recipe.cutout))
    cutter = CutTracer(tracer, outlines) if recipe.cutout and not recipe.squares else None
    palette = labelled.palette
    if recipe.denoise and not recipe.palette:
        palette = np.array([unclipped(color) for color in palette])
    colors = palette[regions.labels]
    if not recipe.cutout:
        colors = layers(colors, stack.parents, stack.translucent)
    for rank, outline in enumerate(outlines):
        data, segments = cutter.path(outline.region, outline.rings) if cutter else tracer.path(outline, rank)
        if not segments:
            continue
        fill, opacity = flat_paint(colors[outline.region].tolist())
        if outline.region in paints:
            area = int(regions.areas[outline.region])
            fill, opacity = gradient_fill(paints[outline.region], area, recipe.units, definitions)
        left, top, right, bottom = stack.boxes[outline.region].tolist()
        shape = Shape(data, fill, segments, opacity)
        shapes.append(Placed(outline.region, shape, (left, top, right, bottom)))
    return Painted(shapes, tuple(definitions))


def gradient_fill(paint: Paint, area: int, units: int, definitions: list[str]) -> tuple[str, float]:
    """Define the paint if it is a gradient; give what fills a shape of so many pixels, and its opacity."""
    definition, fill, opacity = fill_of(paint, area, units, f"g{len(definitions)}")
    if definition:
        definitions.append(definition)
    return fill, opacity


def repainted(shapes: list[Placed], ground: set[int], recipe: Recipe, regions: Regions) -> list[Placed]:
    """Shapes with the background in the color asked for, and a page of that color under all of them."""
    height, width = regions.ids.shape
    data, segments = rectangle(width, height, recipe.units)
    page = Placed(-1, Shape(data, recipe.background, segments), (0, 0, width, height))
    return [page] + [
        replace(placed, shape=replace(placed.shape, fill=recipe.background, opacity=1.0))
        if placed.region in ground
        else placed
        for placed in shapes
    ]
