import json

import pytest
from pydantic import ValidationError

from shared.tracing import PRESETS, TraceOptions


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
    ],
)
def test_what_cannot_be_honored_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TraceOptions.model_validate(options)


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
