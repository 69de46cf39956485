"""How a report writes times, numbers, addresses and what hosts said: annotations of fields, for pydantic."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, Field, GetPydanticSchema, PlainSerializer
from pydantic_core import core_schema

from tasks.model.mac import MacAddress
from tasks.model.mask import masked, said


def stamp(at: datetime) -> str:
    """UTC with milliseconds, as `2026-01-01T00:00:00.000Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


Moment = Annotated[AwareDatetime, PlainSerializer(stamp)]
"""UTC."""
Seconds = Annotated[float, PlainSerializer(partial(round, ndigits=3))]
FineSeconds = Annotated[float, PlainSerializer(partial(round, ndigits=4))]
"""What probes measured: they are some milliseconds apart."""
Sentence = Annotated[str, PlainSerializer(said)]
"""As a host may have said it; written masked, and no longer than a sentence."""
Text = Annotated[str, PlainSerializer(masked)]
"""The same, as long as it is."""
Mac = Annotated[
    MacAddress,
    GetPydanticSchema(
        lambda _, __: core_schema.no_info_after_validator_function(
            MacAddress, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema(when_used="always")
        )
    ),
]
UNLESS_NONE = Field(exclude_if=lambda value: value is None)
"""Such a field is written only where it says something."""
UNLESS_EMPTY = Field(exclude_if=lambda value: not value)
