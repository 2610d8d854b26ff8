"""How a picture is to be traced: the options a customer may set, with their ranges, defaults and words.

The api validates requests with `TraceOptions`, the engine obeys them, the editor shows them and the OpenAPI
document is generated from them: one type for all four, so they cannot disagree.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Final, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Preset = Literal["auto", "logo", "line-art", "illustration", "photo", "pixel-art", "cut"]
Stacking = Literal["auto", "stacked", "cutout"]
GroupBy = Literal["none", "color"]
Unit = Literal["px", "mm", "in"]

PRESETS: Final[dict[Preset, str]] = {
    "auto": "Looks at the image and chooses the settings.",
    "logo": "Few flat colors, sharp corners, smooth curves.",
    "line-art": "Thin dark strokes on a light ground.",
    "illustration": "Many flat colors and small shapes.",
    "photo": "Soft shapes in many colors; a likeness, not a copy.",
    "pixel-art": "Every pixel becomes an exact square.",
    "cut": "Separate flat shapes that do not overlap, for vinyl and laser cutters.",
}

HEX = re.compile(r"#[0-9a-f]{6}")
MOST_COLORS = 64
LONGEST_SIDE = 20_000

FINISHING: Final = ("group_by", "width", "height", "unit", "dpi")
"""Options of the file and not of the trace: a kept trace serves them all."""


class TraceOptions(BaseModel):
    """The settings of one trace. Every field has a default: an empty object is a good trace."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="TraceOptions")

    preset: Preset = Field(
        default="auto", description="What kind of picture this is; `auto` looks at the image and decides."
    )
    colors: Annotated[int, Field(ge=0, le=MOST_COLORS)] = Field(
        default=0,
        description="Number of colors in the result: 0 chooses it, 2 to 64 gives exactly that many.",
    )
    palette: Annotated[tuple[str, ...], Field(max_length=MOST_COLORS)] = Field(
        default=(), description="Use these colors and no others, such as `#ff8800`; empty finds them in the image."
    )
    gradients: bool = Field(
        default=True, description="Whether smooth areas may become gradients; without, they become flat bands."
    )
    detail: Annotated[int, Field(ge=0, le=100)] = Field(
        default=50,
        description="How small a shape may be and still be kept: 0 is coarse, 100 keeps everything.",
    )
    smoothness: Annotated[int, Field(ge=0, le=100)] = Field(
        default=50,
        description="How freely curves may leave the pixels: 0 follows every step, 100 gives the fewest nodes.",
    )
    corners: Annotated[int, Field(ge=0, le=100)] = Field(
        default=50,
        description="How readily a bend becomes a corner: 0 rounds nearly all, 100 keeps slight ones.",
    )
    minimum_area: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="Shapes smaller than this many square pixels vanish; 0 lets `detail` decide."
    )
    background: str = Field(
        default="keep",
        description="`keep` it, `remove` it (transparent), or a color such as `#ffffff` to put in its place.",
    )
    stacking: Stacking = Field(
        default="auto",
        description=(
            "`stacked` lays shapes over each other, so no gap can show; `cutout` cuts them out, so none overlap."
            " `auto` stacks, except for the preset `cut`."
        ),
    )
    precision: Annotated[int, Field(ge=0, le=3)] = Field(
        default=1, description="Decimals of a pixel kept in coordinates, 0 to 3; more gives a larger file."
    )
    group_by: GroupBy = Field(
        default="none",
        description=(
            "`color` puts shapes of one color into one group of the SVG, wherever that leaves the picture as it is;"
            " with `cutout` that is one group a color."
        ),
    )
    width: Annotated[float, Field(ge=0, le=LONGEST_SIDE)] = Field(
        default=0,
        description=(
            "Width of the output in `unit`: 0 follows `height`, or the image if that is 0 too. The proportions of the"
            " image are kept: with both given, the output is as large as fits into them."
        ),
    )
    height: Annotated[float, Field(ge=0, le=LONGEST_SIDE)] = Field(
        default=0, description="Height of the output in `unit`: 0 follows `width`."
    )
    unit: Unit = Field(default="px", description="What `width` and `height` are measured in.")
    dpi: Annotated[int, Field(ge=36, le=2_400)] = Field(
        default=96,
        description=(
            "Pixels to an inch: how large a pixel is on paper, and how many pixels the PNG of a size in mm or in has."
        ),
    )

    @field_validator("colors")
    @classmethod
    def one_color_is_no_picture(cls, value: int) -> int:
        """Refuse exactly one color: the result would be an empty page."""
        if value == 1:
            raise ValueError("must be 0 (automatic) or between 2 and 64")
        return value

    @field_validator("palette", mode="before")
    @classmethod
    def palette_is_a_list_of_different_colors(cls, value: object) -> object:
        """Accept hex colors, long or short, each once."""
        given = cast("list[object]", value) if isinstance(value, list | tuple) else [None]
        colors = [normal_hex(color) if isinstance(color, str) else None for color in given]
        if None in colors:
            raise ValueError('must be a list of colors such as ["#ff8800", "#000"]')
        if len(set(colors)) < len(colors):
            raise ValueError("names a color twice")
        return tuple(colors)

    @field_validator("background", mode="before")
    @classmethod
    def background_is_a_word_or_a_color(cls, value: object) -> object:
        """Accept `keep`, `remove` or a hex color; `#fff` becomes `#ffffff`."""
        if not isinstance(value, str):
            return value
        word = value.strip().lower()
        color = word if word in ("keep", "remove") else normal_hex(word)
        if color is None:
            raise ValueError("must be `keep`, `remove` or a color such as `#ffffff`")
        return color

    @model_validator(mode="after")
    def options_do_not_contradict(self) -> "TraceOptions":
        """Refuse combinations that could not be honored."""
        if self.palette and self.colors:
            raise ValueError("`palette` and `colors` exclude each other: a palette sets the number of colors itself")
        if self.preset == "photo" and self.stacking == "cutout":
            raise ValueError("the preset `photo` cannot be cut out: its soft shapes overlap by design")
        return self

    def canonical_json(self) -> str:
        """The same text for the same trace, whatever order or spelling its settings came in: part of the cache key."""
        settings = self.model_dump(mode="json", exclude=set(FINISHING))
        return json.dumps(settings, sort_keys=True, separators=(",", ":"))

    def is_cutout(self) -> bool:
        """Whether shapes are asked for that do not overlap."""
        return self.stacking == "cutout" or (self.stacking == "auto" and self.preset == "cut")

    def is_plain(self) -> bool:
        """Whether the SVG of the trace is the SVG to deliver, with nothing to be done to it."""
        return self.group_by == "none" and not self.width and not self.height and self.unit == "px"

    def cache_key(self, image_sha256: str, engine_version: str) -> str:
        """Name under which the trace of this image with these settings by this engine is kept."""
        text = f"{image_sha256}/{engine_version}/{self.canonical_json()}"
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def fields_for_editor(cls) -> list[dict[str, Any]]:
        """Every option as the editor shows it: name, type, range or choices, default and one sentence."""
        return [editor_field(name, schema) for name, schema in cls.model_json_schema()["properties"].items()]

    @classmethod
    def presets_for_editor(cls) -> list[dict[str, str]]:
        """Every preset with one sentence that says when to take it."""
        return [{"preset": preset, "description": PRESETS[preset]} for preset in get_args(Preset)]


def normal_hex(text: str) -> str | None:
    """A color as `#rrggbb` in lower case, or None if it is none; `#F80` is `#ff8800`."""
    word = text.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", word):
        word = "#" + "".join(digit * 2 for digit in word[1:])
    return word if HEX.fullmatch(word) else None


def editor_field(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One option of the editor, from its JSON schema."""
    field: dict[str, Any] = {"name": name, "default": schema["default"], "description": schema["description"]}
    if "enum" in schema:
        return field | {"type": "choice", "choices": schema["enum"]}
    if schema["type"] in ("integer", "number"):
        return field | {"type": schema["type"], "minimum": schema["minimum"], "maximum": schema["maximum"]}
    if schema["type"] == "array":
        return field | {"type": "colors", "maximum": schema["maxItems"]}
    return field | {"type": schema["type"]}
