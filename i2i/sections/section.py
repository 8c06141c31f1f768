"""What every section of the configuration has."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from i2i.options import validate


class Section(BaseModel):
    """A part of the configuration that the engine itself reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def known(cls) -> list[str]:
        """Return the options that it may have."""
        return list(cls.model_fields)

    @classmethod
    def read(cls, values: Mapping[str, Any], name: str) -> Self:
        """Return what was said, checked and complete.

        Raises:
            UsageError: If an option or a value is wrong.
        """
        return validate(cls, values, name)

    @classmethod
    def merge(cls, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was said, with what is said later over it."""
        return {**before, **values}
