"""Where the drawings come from: published packages by name and version, and how many of each.

None of them is shipped: they are fetched into `.local/quality/`, and the manifest there says each one's licence.
"""

from dataclasses import dataclass
from enum import StrEnum

SEED = 20261124


class Kind(StrEnum):
    """The kinds of picture that people have vectorized."""

    EMOJI = "emoji"
    FLAGS = "flags"
    MONO = "mono"
    LOGOS = "logos"
    GRADIENT = "gradient"
    ILLUSTRATION = "illustration"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class Drawings:
    """Some drawings of one npm package.

    `pattern` is for their names: of files in the package, or of icons in its `icons.json`. `gradients` says whether
    only drawings with gradients are taken, only those without, or (None) any.
    """

    kind: Kind
    package: str
    version: str
    count: int
    licence: str
    pattern: str = "icons.json"
    leave_out: str = ""
    gradients: bool | None = None


@dataclass(frozen=True, slots=True)
class Photos:
    """Some photos that a package on PyPI brings with it: paths inside its wheel."""

    package: str
    version: str
    licence: str
    paths: tuple[str, ...]


DRAWINGS = (
    Drawings(Kind.EMOJI, "@iconify-json/noto", "1.2.9", 7, "Apache-2.0", leave_out="flag-", gradients=False),
    Drawings(Kind.EMOJI, "@iconify-json/openmoji", "1.2.29", 7, "CC-BY-SA-4.0", leave_out="flag-"),
    Drawings(Kind.EMOJI, "@iconify-json/fxemoji", "1.2.2", 6, "Apache-2.0"),
    Drawings(Kind.FLAGS, "@iconify-json/cif", "1.2.7", 8, "CC0-1.0"),
    Drawings(Kind.FLAGS, "@iconify-json/flagpack", "1.2.8", 6, "MIT"),
    Drawings(Kind.FLAGS, "@iconify-json/circle-flags", "1.2.11", 6, "MIT"),
    Drawings(Kind.MONO, "@iconify-json/game-icons", "1.2.4", 8, "CC-BY-3.0"),
    Drawings(Kind.MONO, "@iconify-json/mdi", "1.2.3", 6, "Apache-2.0"),
    Drawings(Kind.MONO, "@iconify-json/tabler", "1.2.41", 6, "MIT"),
    Drawings(Kind.LOGOS, "@iconify-json/logos", "1.2.19", 12, "CC0-1.0 (trademarks remain)"),
    Drawings(Kind.LOGOS, "@iconify-json/token-branded", "1.2.45", 8, "MIT (trademarks remain)"),
    Drawings(Kind.GRADIENT, "@iconify-json/fluent-color", "1.2.21", 8, "MIT", gradients=True),
    Drawings(Kind.GRADIENT, "@iconify-json/noto", "1.2.9", 6, "Apache-2.0", leave_out="flag-", gradients=True),
    Drawings(Kind.GRADIENT, "@iconify-json/vscode-icons", "1.2.97", 6, "MIT (trademarks remain)", gradients=True),
    Drawings(Kind.ILLUSTRATION, "@momentum-design/illustrations", "0.2.6", 8, "MIT", "*-onboarding-primary.svg"),
    Drawings(
        Kind.ILLUSTRATION, "@streetmix/illustrations", "2.1.1", 7, "CC-BY-SA-4.0", "package/images/[bptv]*/*.svg",
        leave_out="thumbnails",
    ),
    Drawings(Kind.ILLUSTRATION, "@iconify-json/streamline-freehand-color", "1.2.2", 5, "CC-BY-4.0"),
)  # fmt: skip

PHOTOS = (
    Photos(
        "scikit-image", "0.26.0", "public domain (astronaut), CC0-1.0 (the others)",
        ("skimage/data/astronaut.png", "skimage/data/chelsea.png", "skimage/data/motorcycle_left.png"),
    ),
    Photos("matplotlib", "3.11.2", "public domain", ("matplotlib/mpl-data/sample_data/grace_hopper.jpg",)),
)  # fmt: skip
