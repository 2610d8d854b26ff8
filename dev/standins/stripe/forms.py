"""Stripe's form bodies: `line_items[0][price_data][currency]=eur` and back to nested objects."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

Fields = dict[str, Any]


def parse_form(text: str) -> Fields:
    """The object that a form body or a query describes; every value is text."""
    return nest(parse_qsl(text, keep_blank_values=True))


def nest(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Pairs of bracketed names and values as one object; numbered names make lists."""
    root: Fields = {}
    for name, value in pairs:
        keys = [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        place = root
        for key, following in zip(keys, [*keys[1:], None], strict=True):
            key = key or str(len(place))
            if following is None:
                place[key] = value
            else:
                place = place.setdefault(key, {})
    return {key: _with_lists(value) for key, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(one) for key, one in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
