"""Secrets named by a file, as container platforms mount them: `NAME_FILE=/run/secrets/name`."""

import os
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource
from typing_extensions import override


class SettingsInvalid(SystemExit):
    """A missing or silly setting: the process stops at start with one sentence."""


class SecretFiles(PydanticBaseSettingsSource):
    """A source of settings: every secret that a file names."""

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        """The content of the file that NAME_FILE names, without its last newline. Raises SettingsInvalid."""
        path = os.environ.get(f"{field_name.upper()}_FILE")
        if not path or "SecretStr" not in str(field.annotation):
            return None, field_name, False
        try:
            text, why = Path(path).read_text("utf-8").rstrip("\r\n"), "it is empty"
        except OSError as error:
            text, why = "", error.strerror
        if not text.strip():
            raise SettingsInvalid(f"tovector cannot start: {field_name.upper()}_FILE names {path}: {why}")
        return text, field_name, False

    @override
    def __call__(self) -> dict[str, str]:
        """Every secret that a file names."""
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}
