"""Bodies held to the parameter types that the installed stripe package carries.

Unknown parameters, missing ones, wrong types and values outside an enumeration are refused as Stripe does. The types
allow any text beside an enumeration, for values that are newer than the package; here they do not.
"""

import sys
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject
from typing_extensions import get_type_hints, is_typeddict

from dev.standins.stripe.forms import Fields

_UNIONS = (Union, types.UnionType)


class Refused(Exception):
    """What Stripe answers to a request that it cannot carry out."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.code, self.param, self.status = message, code, param, status


def check(given: Mapping[str, Any], kind: type) -> Fields:
    """The parameters as the types have them: numbers as numbers, truth as truth. Raises Refused."""
    return _typed_dict(given, kind, "")


@cache
def _hints(kind: type) -> dict[str, Any]:
    # The options of a request are for the client, not for the body; some of their types are not there at run time.
    left_out = RequestOptions.__annotations__.keys()
    own = {name: hint for name, hint in kind.__annotations__.items() if name not in left_out}
    holder = type("Holder", (), {"__annotations__": own})
    return get_type_hints(holder, vars(sys.modules[kind.__module__]), include_extras=True)


def _typed_dict(given: object, kind: type, path: str) -> Fields:
    if not isinstance(given, Mapping):
        raise Refused(f"Invalid object: {path}", param=path)
    hints = _hints(kind)
    checked: Fields = {}
    for name, value in given.items():
        where = f"{path}[{name}]" if path else str(name)
        if name not in hints:
            raise Refused(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
        checked[name] = _value(value, _bare(hints[name]), where)
    for name, hint in hints.items():
        if get_origin(hint) is not NotRequired and name in kind.__required_keys__ and name not in checked:  # pyright: ignore[reportAttributeAccessIssue] - of every TypedDict
            where = f"{path}[{name}]" if path else name
            raise Refused(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return checked


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint


def _value(value: Any, hint: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in _UNIONS:
        return _one_of(value, get_args(hint), path)
    if origin is Literal:
        if value not in get_args(hint):
            names = ", ".join(str(name) for name in get_args(hint)[:12])
            raise Refused(f"Invalid {path}: must be one of {names}", param=path)
        return value
    if origin is list:
        if not isinstance(value, list):
            raise Refused(f"Invalid array: {path}", param=path)
        return [_value(one, get_args(hint)[0], f"{path}[{number}]") for number, one in enumerate(value)]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise Refused(f"Invalid hash: {path}", param=path)
        return {str(name): _value(one, get_args(hint)[1], f"{path}[{name}]") for name, one in value.items()}
    if is_typeddict(hint):
        return _typed_dict(value, hint, path)
    return _simple(value, hint, path)


def _one_of(value: Any, choices: tuple[Any, ...], path: str) -> Any:
    """The first of the choices that fits. Beside an enumeration plain text is no choice."""
    enumerated = any(get_origin(choice) is Literal and get_args(choice) != ("",) for choice in choices)
    left = [choice for choice in choices if not (enumerated and choice is str) and not _is_of_the_client(choice)]
    refusals: list[Refused] = []
    for choice in left:
        try:
            return _value(value, choice, path)
        except Refused as refused:
            refusals.append(refused)
    raise max(refusals, key=lambda refused: len(refused.param or ""))


def _is_of_the_client(choice: Any) -> bool:
    """Whether it is an object that the client lets callers pass instead of plain values; none comes over the wire."""
    kind = get_origin(choice) or choice
    return isinstance(kind, type) and issubclass(kind, StripeObject)


def _simple(value: Any, hint: Any, path: str) -> Any:
    if hint is bool:
        if value not in ("true", "false"):
            raise Refused(f"Invalid boolean: {value}", code="parameter_invalid_boolean", param=path)
        return value == "true"
    if hint is int:
        if not isinstance(value, str) or not value.lstrip("-").isdecimal():
            raise Refused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)
        return int(value)
    if not isinstance(value, str):
        raise Refused(f"Invalid string: {path}", code="parameter_invalid_string", param=path)
    return value
