"""The settings of a command line."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from src.config.errors import UserError, did_you_mean

NUMBERS = ("scale", "seconds")


class Wanted(NamedTuple):
    """Settings of `make gpu`.

    Attributes:
        scale: 1 for all of the work; below 1 it is a rehearsal.
        seconds: time limit, or None.
        parts: to measure.
    """

    scale: float
    seconds: float | None
    parts: tuple[str, ...]


def read(arguments: Sequence[str], parts: Sequence[str]) -> Wanted:
    """Reads `scale=`, `seconds=` and names of parts.

    Raises:
        UserError: there is something else, or a number makes no sense.
    """
    numbers: dict[str, float] = {}
    chosen: list[str] = []
    for text in arguments:
        name, equals, value = text.partition("=")
        if equals and name not in NUMBERS:
            raise UserError(f"{text}: there is no such setting{did_you_mean(name, (*NUMBERS, 'output'))}")
        if not equals and name not in parts:
            raise UserError(f"there is no part '{name}'{did_you_mean(name, parts)}")
        if equals:
            numbers[name] = positive(text, value)
        else:
            chosen.append(name)
    scale = numbers.get("scale", 1.0)
    if scale > 1:
        raise UserError(f"scale={scale:g}: 1 is all of the work, and less is a rehearsal")
    return Wanted(scale, numbers.get("seconds"), tuple(part for part in parts if part in chosen or not chosen))


def positive(text: str, value: str) -> float:
    """A number above zero."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise UserError(f"{text}: should be a number above 0")
    return number
