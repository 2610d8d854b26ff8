import json

import pytest
from pydantic import ValidationError

from shared.errors import OptionsInvalid
from shared.outputs import check_output
from shared.tracing import FINISHING, PRESETS, TraceOptions


def test_no_options_are_good_options() -> None:
    assert TraceOptions.model_validate({}) == TraceOptions()


@pytest.mark.parametrize(
    "options",
    [
        {"color": 3},
        {"preset": "best"},
        {"colors": 1},
        {"colors": 65},
        {"colors": -1},
        {"detail": 101},
        {"smoothness": -1},
        {"corners": "sharp"},
        {"minimum_area": -1},
        {"background": "blue"},
        {"background": "#12345"},
        {"stacking": "loose"},
        {"palette": ["red"]},
        {"palette": ["#fff", "#FFFFFF"]},
        {"palette": "#fff"},
        {"palette": ["#000000"], "colors": 3},
        {"palette": [f"#0000{k:02x}" for k in range(65)]},
        {"precision": 4},
        {"preset": "photo", "stacking": "cutout"},
        {"group_by": "layer"},
        {"width": -1},
        {"width": 20_001},
        {"height": "tall"},
        {"height": float("nan")},
        {"unit": "cm"},
        {"dpi": 35},
        {"dpi": 2_401},
    ],
)
def test_what_cannot_be_honored_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TraceOptions.model_validate(options)


@pytest.mark.parametrize("palette", ["red", "#fff", 7, ["red"], [None]])
def test_a_palette_that_is_none_is_told_what_one_looks_like(palette: object) -> None:
    with pytest.raises(ValidationError, match=r'must be a list of colors such as \["#ff8800", "#000"\]'):
        TraceOptions.model_validate({"palette": palette})


def test_the_same_settings_have_the_same_canonical_text() -> None:
    first = TraceOptions.model_validate({"colors": 4, "background": "#FFF"})
    second = TraceOptions.model_validate({"background": "#ffffff", "colors": 4, "preset": "auto"})
    assert first.canonical_json() == second.canonical_json()
    assert first.cache_key("ab", "1") == second.cache_key("ab", "1")
    assert first.cache_key("ab", "1") != first.cache_key("ab", "2")
    assert first.cache_key("ab", "1") != TraceOptions().cache_key("ab", "1")


def test_the_editor_gets_every_option_with_its_range() -> None:
    fields = {field["name"]: field for field in TraceOptions.fields_for_editor()}
    assert set(fields) == set(TraceOptions.model_fields)
    assert fields["colors"] | {"description": ""} == {
        "name": "colors",
        "type": "integer",
        "minimum": 0,
        "maximum": 64,
        "default": 0,
        "description": "",
    }
    assert fields["stacking"]["choices"] == ["auto", "stacked", "cutout"]
    assert all(field["description"].endswith(".") for field in fields.values())
    json.dumps(list(fields.values()))


def test_the_editor_gets_every_preset() -> None:
    assert [preset["preset"] for preset in TraceOptions.presets_for_editor()] == list(PRESETS)


def test_what_only_the_file_has_leaves_the_trace_as_it_is() -> None:
    plain = TraceOptions()
    finished = TraceOptions(group_by="color", width=100, height=50, unit="mm", dpi=300)
    assert plain.cache_key("ab", "1") == finished.cache_key("ab", "1")
    for name in set(TraceOptions.model_fields) - set(FINISHING):
        other = {"palette": ["#000000"], "preset": "cut", "background": "remove", "stacking": "cutout"}.get(name)
        default = TraceOptions.model_fields[name].default
        changed = TraceOptions.model_validate(
            {name: (not default if default is True else default + 2) if other is None else other}
        )
        assert plain.cache_key("ab", "1") != changed.cache_key("ab", "1"), name


@pytest.mark.parametrize(
    ("options", "is_refused"),
    [
        ({"width": 20_000, "dpi": 600}, False),
        ({"width": 20_000, "dpi": 96}, True),  # 5,292 mm
        ({"height": 5_080, "unit": "mm"}, False),
        ({"height": 5_081, "unit": "mm"}, True),
        ({"width": 150, "unit": "in"}, True),  # 300 in high
        ({"width": 0.01, "unit": "mm"}, True),
        ({"unit": "mm", "dpi": 36}, False),
    ],
)
def test_outputs_too_large_or_too_small_to_be_any_use_are_refused(options: dict[str, object], is_refused: bool) -> None:
    asked = TraceOptions.model_validate(options)
    if not is_refused:
        check_output(asked, 100, 200, png=False)
        return
    with pytest.raises(OptionsInvalid, match="mm;") as refusal:
        check_output(asked, 100, 200, png=True)
    assert refusal.value.extra["errors"]


def test_a_png_of_too_many_pixels_is_refused_and_the_same_size_as_pdf_is_not() -> None:
    poster = TraceOptions(width=1, height=1_000, unit="mm", dpi=300)
    check_output(TraceOptions(width=1_000, unit="mm", dpi=300), 100, 200, png=False)
    check_output(poster, 100, 200, png=True)
    with pytest.raises(OptionsInvalid, match="11811 × 23622 pixels"):
        check_output(TraceOptions(width=1_000, unit="mm", dpi=300), 100, 200, png=True)
