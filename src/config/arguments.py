"""Command lines of `key=value` that Hydra does not compose."""

from collections.abc import Sequence
from typing import Any

from .errors import UserError


def as_typed(arguments: Sequence[str], repeated: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a command line. Values stay strings, because a directory may be called `2024` or `off`.

    Args:
        arguments: without the program. `trust` may name several packages, `step` may be a number.
        repeated: settings that may be given several times; they become lists.

    Raises:
        UserError: an argument is not of the form key=value, or is given twice.
    """
    values: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise UserError(f"{argument}: settings are written key=value, like run={argument}")
        if key in repeated:
            values.setdefault(key, []).append(value)
        elif key in values:
            raise UserError(f"{key} is given twice")
        else:
            values[key] = value
    if values.get("step", "").isdecimal():
        values["step"] = int(values["step"])
    if "trust" in values:
        values["trust"] = [name.strip() for name in values["trust"].strip("[]").split(",")]
    return values
