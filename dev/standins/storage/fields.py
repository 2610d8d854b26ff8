"""Reads fields of a JSON object as the real server's schema does: numbers may come as text, wrong types are refused."""

from typing import cast

from dev.standins.storage.problems import invalid_request


class Fields:
    """The fields of one JSON object."""

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    @classmethod
    def of(cls, value: object) -> "Fields":
        """Return the fields of a JSON value, which must be an object."""
        if not isinstance(value, dict):
            raise invalid_request("body must be object")
        return cls(cast("dict[str, object]", value))

    def required_text(self, name: str) -> str:
        """Return a text that must be there."""
        if name not in self._values:
            raise invalid_request(f"body must have required property '{name}'")
        return self.text(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise invalid_request(f"body/{name} must be string")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise invalid_request(f"body/{name} must be boolean")
        return value

    def number(self, name: str, default: float) -> float:
        """Return a number."""
        value = self._values.get(name, default)
        if not isinstance(value, (int, float, str)):
            raise invalid_request(f"body/{name} must be number")
        try:
            return float(value)
        except ValueError:
            raise invalid_request(f"body/{name} must be number") from None

    def whole(self, name: str, default: int | None = None, *, minimum: int = 0) -> int:
        """Return a whole number of at least `minimum`; without a default it must be there."""
        if name not in self._values and default is None:
            raise invalid_request(f"body must have required property '{name}'")
        number = self.number(name, float(default or 0))
        if not number.is_integer():
            raise invalid_request(f"body/{name} must be integer")
        if number < minimum:
            raise invalid_request(f"body/{name} must be >= {minimum}")
        return int(number)

    def whole_or_null(self, name: str, absent: int | None) -> int | None:
        """Return a whole number or null; a field that was not sent is `absent`."""
        if name not in self._values:
            return absent
        return None if self._values[name] is None else self.whole(name)

    def texts(self, name: str, absent: list[str] | None = None) -> list[str] | None:
        """Return a list of texts or null; a field that was not sent is `absent`."""
        value = self._values.get(name, absent)
        if value is None:
            return None
        if not isinstance(value, list):
            raise invalid_request(f"body/{name} must be array")
        return [str(item) for item in cast("list[object]", value)]

    def some_texts(self, name: str) -> list[str]:
        """Return a list of texts with at least one item."""
        texts = self.texts(name)
        if not texts:
            raise invalid_request(f"body/{name} must NOT have fewer than 1 items")
        return texts

    def fields(self, name: str) -> "Fields":
        """Return an object within the object; absent is empty."""
        return Fields.of(self._values.get(name) or {})
