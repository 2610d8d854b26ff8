"""A picture's samples, and what several stages ask about them: found once, when first asked for."""

from dataclasses import dataclass, field
from functools import cached_property

from workers.engine.decode import Pixels
from workers.engine.flatness import Mask, Spreads, spreads_of
from workers.engine.palette import Histogram
from workers.engine.squares import square_side


@dataclass(frozen=True, eq=False)
class Samples:
    """Premultiplied samples that are opaque or not; nobody can write to them, as in Raster."""

    pixels: Pixels
    opaque: bool
    masks: dict[int, Mask] = field(default_factory=dict[int, Mask], repr=False)
    histograms: dict[int, Histogram] = field(default_factory=dict[int, Histogram], repr=False)

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)

    @cached_property
    def spreads(self) -> Spreads:
        """How much every pixel's surroundings vary, in levels."""
        return spreads_of(self.pixels)

    @cached_property
    def square(self) -> int:
        """Side of the largest aligned squares of which each has one color, in pixels."""
        return square_side(self.pixels)

    def flat(self, most: int) -> Mask:
        """True where no channel varies by more than `most` levels within the 3 by 3 pixels around."""
        if most not in self.masks:
            self.masks[most] = self.spreads <= most
        return self.masks[most]

    def histogram(self, most: int) -> Histogram:
        """The colors of the pixels that are flat by this measure."""
        if most not in self.histograms:
            self.histograms[most] = Histogram(self.pixels, self.flat(most))
        return self.histograms[most]
