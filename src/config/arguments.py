"""Command lines of `key=value` that Hydra does not compose."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .errors import UserError


def checked_step(given: Any) -> Any:
    """Says what a step is in one sentence, where each of its types would have one of its own."""
    if given is not None and given != "best" and not isinstance(given, int):
        raise ValueError("should be best or the number of a step")
    return given


Step = Annotated[int | Literal["best"] | None, BeforeValidator(checked_step)]
"""Of a checkpoint that was kept; None is the latest."""


def as_words(given: Any) -> Any:
    """Words with commas between them, which may stand in brackets."""
    if not isinstance(given, str):
        return given
    return [word.strip() for word in given.strip("[]").split(",") if word.strip()]


def as_number(given: Any) -> Any:
    """A number of the command line."""
    with suppress(ValueError):
        return int(given) if isinstance(given, str) else given
    with suppress(ValueError):
        return float(given)
    return given


Words = Annotated[list[str], BeforeValidator(as_words), Field(min_length=1)]
"""One word or several."""
Whole = Annotated[int, BeforeValidator(as_number)]
Number = Annotated[float, BeforeValidator(as_number), Field(strict=False)]
"""Numbers, which on a command line are words."""


def as_typed(arguments: Sequence[str], repeated: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a command line. Values stay strings, because a directory may be called `2024` or `off`.

    Args:
        arguments: without the program. `trust` may name several packages; `step`, `words` and `examples` may be
            numbers.
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
    for key in ("step", "words", "examples"):
        if values.get(key, "").isdecimal():
            values[key] = int(values[key])
    if "trust" in values:
        values["trust"] = [name.strip() for name in values["trust"].strip("[]").split(",")]
    return values
