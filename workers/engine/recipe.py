"""From what a customer asked for and what the picture is to the settings of the method."""

import math
from dataclasses import dataclass, field, replace

from shared.tracing import Preset, TraceOptions
from workers.engine.analyse import FLAT, Analysis
from workers.engine.closed import FitSettings
from workers.engine.labels import LabelSettings
from workers.engine.repaint import Repainting
from workers.engine.segmentation import Segmentation
from workers.engine.shading import Shading
from workers.engine.softness import Softness
from workers.engine.stacking import SOFT_STEP

SOFT_LOOSER, CLEAR_LOOSER, SOFT_SMOOTHING = 1.9, 1.2, 0.9
"""Among smooth colors curves may stray by so much more: 20 drawings full of gradients had 13 % fewer segments than at
1.2, the same edge F1, and 2 % more of 1 - SSIM. Less if the picture is small, or has a clear page, which a shape that
ends too early would show."""

NOISY_EVEN = 1.0
"""Compression noise moves the means of the parts of flat areas by up to so many levels."""

SMALL_TOLERANCE = 0.23
SMALL_SMOOTHING = 0.7
"""Curves of pictures that are traced at twice their size, in pixels of that size. Measured on 48 drawings of 128 px:
with 0.20 and 0.7 segments are .87 and 1 - SSIM .218 of vtracer's, with 0.22 and 0.9 they are .77 and .227."""

SMALL_SPECK = 22
"""A ring of fewer points is a dot or a dash at twice its size; half as many pixels wide it is one at its own."""

PHOTO_FIT = FitSettings(tolerance=0.4, corner=math.radians(54), smoothing=0.7, straight=False, refined=False)
"""Curves of photos, whose borders are hardly ever drawn. On eight photos of 512 px, against a tolerance of 0.3, corners
of 43 degrees and a smoothing of 0.4, segments and 1 - SSIM are .50 and .52 of vtracer's, not .58 and .48, in half the
time; refining curves takes as long as all the rest and gives .03 of 1 - SSIM and a tenth of the segments."""

SMALL_PHOTO_FIT = replace(PHOTO_FIT, tolerance=0.25, smoothing=0.4)
"""Curves of photos in which every pixel counts. At 160 px mean errors are .95 of those of larger photos' curves, with a
quarter more segments."""

PHOTO_PIXELS = 1_500_000
NOISE_PIXELS = 250_000
"""Photos and noise gain nothing from more pixels than this; their shapes are traced from a reduced copy."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of one run of the method. Lengths are pixels, color differences levels of 255.

    With `double` the picture is traced at twice its size, and pixels are those of that size.
    """

    flat: int = FLAT
    most_colors: int = 32
    labels: LabelSettings = field(default_factory=LabelSettings)
    smallest_region: int = 4
    fit: FitSettings = field(default_factory=FitSettings)
    softness: Softness | None = field(default_factory=Softness)
    shading: Shading | None = None
    segmentation: Segmentation | None = None
    repainting: Repainting | None = field(default_factory=Repainting)
    denoise: tuple[float, ...] = ()
    prune: bool = False
    units: int = 10
    cutout: bool = False
    squares: bool = False
    double: bool = False
    background: str = "keep"
    exact_colors: int = 0
    soft_step: float = 0.0
    palette: tuple[str, ...] = ()
    most_pixels: int = 4_000_000


def choose_recipe(options: TraceOptions, analysis: Analysis) -> Recipe:
    """Settings for this picture under these options."""
    preset = analysis.suggested if options.preset == "auto" else options.preset
    recipe = for_preset(preset, for_quality(Recipe(), analysis))
    if analysis.noise:
        recipe = replace(recipe, most_pixels=NOISE_PIXELS, smallest_region=16)
    recipe = replace(
        recipe,
        units=units_of(options.precision, recipe.double and not analysis.small),
        background=options.background,
        exact_colors=options.colors,
        soft_step=SOFT_STEP if analysis.soft else 0.0,
        palette=options.palette,
        cutout=options.stacking == "cutout" or (options.stacking == "auto" and preset == "cut"),
    )
    if analysis.soft and preset not in ("photo", "pixel-art"):
        recipe = replace(recipe, shading=Shading(), fit=smoother(recipe.fit, analysis))
    if preset == "photo" and not (options.colors or options.palette):
        recipe = segmented(recipe, small=analysis.small, gradients=options.gradients)
    if options.colors or options.palette or not options.gradients:
        recipe = replace(recipe, softness=None, shading=None, most_colors=max(options.colors, recipe.most_colors))
    if options.colors or options.palette or recipe.squares:
        recipe = replace(recipe, repainting=None)
    return with_dials(recipe, options)


def units_of(precision: int, double: bool) -> int:
    """Drawing units in a pixel as it is traced: half as many in one of a fine picture, which is half a pixel.

    In small pictures, enlarged too, a whole unit more or less is seen: 1 - SSIM of 120 drawings of 128 px is 4 % lower.
    """
    return max(1, 10**precision // 2) if double else 10**precision


def segmented(recipe: Recipe, *, small: bool, gradients: bool) -> Recipe:
    """What a photo needs whose colors are its own: regions by their cost, each with its own paint."""
    segmentation = Segmentation() if gradients else Segmentation(gradient=None)
    return replace(recipe, segmentation=segmentation, fit=SMALL_PHOTO_FIT if small else PHOTO_FIT, soft_step=0.0)


def smoother(fit: FitSettings, analysis: Analysis) -> FitSettings:
    """Looser curves: where color is smooth, renderers leave steps of a third of a pixel along the edges of shadows."""
    looser = SOFT_LOOSER if analysis.opaque and not analysis.small else CLEAR_LOOSER
    return replace(fit, tolerance=looser * fit.tolerance, smoothing=max(fit.smoothing, SOFT_SMOOTHING))


def for_quality(recipe: Recipe, analysis: Analysis) -> Recipe:
    """Allow for compression noise, and for pictures so small that every pixel counts."""
    if analysis.noisy:
        recipe = replace(
            recipe,
            flat=16,
            labels=LabelSettings(mix_error=0.12, fewest_pixels=20, radius=0.045, pure=False, bleeding=True),
            smallest_region=16,
            softness=Softness(even=NOISY_EVEN),
            denoise=(30.0, 20.0),
            prune=True,
            repainting=Repainting(step=2.0, doubt=90.0, exact=False),
        )
    if analysis.soft:
        # Along a gradient any color stands apart from some other.
        labels, fit = replace(recipe.labels, peaks=False), replace(recipe.fit, straight=False)
        recipe = replace(recipe, labels=labels, fit=fit)
    if analysis.small or (analysis.fine and not analysis.soft and not analysis.noisy):
        fit = replace(recipe.fit, tolerance=SMALL_TOLERANCE, smoothing=SMALL_SMOOTHING, speck=SMALL_SPECK)
        recipe = replace(recipe, double=True, smallest_region=8, fit=fit)
    return recipe


def for_preset(preset: Preset, recipe: Recipe) -> Recipe:
    """What each kind of picture needs beyond the common settings."""
    if preset in ("pixel-art", "photo") and recipe.double:
        recipe = at_own_size(recipe)
    if preset == "pixel-art":
        return replace(
            recipe,
            flat=255,
            most_colors=256,
            labels=replace(recipe.labels, radius=0.004, fewest_pixels=1, pure=False),
            smallest_region=1,
            softness=None,
            denoise=(),
            prune=False,
            squares=True,
        )
    if preset == "photo":
        calm = replace(recipe, denoise=(), prune=False, smallest_region=max(recipe.smallest_region, 5))
        labels = replace(calm.labels, pure=False)
        return replace(calm, most_pixels=PHOTO_PIXELS, labels=labels, repainting=None)
    if preset in ("logo", "line-art", "cut"):
        return replace(recipe, softness=None) if preset == "cut" else recipe
    return recipe


def at_own_size(recipe: Recipe) -> Recipe:
    """What a small picture needs that gains nothing from being traced at twice its size."""
    labels, fit = replace(recipe.labels, reach=2, fewest_pixels=4), replace(recipe.fit, tolerance=0.12, smoothing=0.15)
    return replace(recipe, double=False, smallest_region=4, labels=labels, fit=fit)


def coarser(recipe: Recipe, pixels: int) -> Recipe:
    """The next try when a drawing of so many pixels came out too large: fewer pixels, larger regions, looser curves."""
    return replace(
        recipe,
        double=False,
        most_pixels=max(2_500, min(recipe.most_pixels, pixels) // 4),
        smallest_region=2 * recipe.smallest_region,
        segmentation=dearer(recipe.segmentation, 2.0),
        fit=replace(recipe.fit, tolerance=1.5 * recipe.fit.tolerance),
    )


def dearer(segmentation: Segmentation | None, factor: float) -> Segmentation | None:
    """The same at a higher price of borders, or a lower one."""
    return segmentation and replace(segmentation, price=factor * segmentation.price)


def with_dials(recipe: Recipe, options: TraceOptions) -> Recipe:
    """Turn the dials: 50 changes nothing, 25 more or less is a factor."""
    finer = 2 ** ((options.detail - 50) / 25)
    smoother = 2 ** ((options.smoothness - 50) / 25)
    sharper = 2 ** ((options.corners - 50) / 25)
    area = options.minimum_area * (4 if recipe.double else 1)
    smallest = area or max(1, round(recipe.smallest_region / finer**2))
    return replace(
        recipe,
        smallest_region=1 if recipe.squares and not options.minimum_area else smallest,
        segmentation=dearer(recipe.segmentation, finer**-2),
        labels=replace(recipe.labels, fewest_pixels=max(1.0, recipe.labels.fewest_pixels / finer)),
        fit=replace(
            recipe.fit,
            tolerance=recipe.fit.tolerance * smoother,
            corner=min(math.radians(150), recipe.fit.corner / sharper),
        ),
    )
