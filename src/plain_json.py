"""JSON that every program can read. JSON has no NaN and no infinity, so these are written as strings."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""As in the JSON of Protocol Buffers (protobuf.dev/programming-guides/json)."""


def dumps(values: Any, *, indent: int | None = None, sort_keys: bool = False) -> str:
    """Plain values as JSON (RFC 8259); NaN and infinities become the strings of `WORDS`.

    Raises:
        TypeError: a value has no JSON form.
    """
    return json.dumps(_in_words(values), indent=indent, sort_keys=sort_keys, allow_nan=False)


def plain(values: Any) -> Any:
    """The same values, with dataclasses and named tuples at any depth turned into dictionaries."""
    if is_dataclass(values) and not isinstance(values, type):
        return {field.name: plain(getattr(values, field.name)) for field in fields(values)}
    if hasattr(values, "_asdict"):
        values = values._asdict()
    if isinstance(values, Mapping):
        return {name: plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    return values


def numbers(values: Any) -> Any:
    """The same values, with the strings of `WORDS` at any depth turned back into numbers."""
    if isinstance(values, dict):
        return {name: numbers(value) for name, value in values.items()}
    if isinstance(values, list):
        return [numbers(value) for value in values]
    return WORDS.get(values, values) if isinstance(values, str) else values


def _in_words(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _in_words(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_in_words(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return "NaN" if math.isnan(values) else "Infinity" if values > 0 else "-Infinity"
    return values
