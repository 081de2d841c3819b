"""Durations of training or of time, in several units."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
UNITS = ("steps", "epochs", "examples", "percent", *SECONDS)
PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|[a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Clock:
    """The constants that convert a duration into steps.

    Attributes:
        batch_size: examples per step.
        epoch_examples: examples per epoch.
        total_steps: the steps of 100 percent.
        scale: factor on durations in steps, epochs and examples, for shortened runs.
    """

    batch_size: int
    epoch_examples: int
    total_steps: int | None = None
    scale: Fraction = Fraction(1)


@dataclass(frozen=True)
class Duration:
    """A length of training such as `64000 steps`, `300 epochs`, `1000000 examples` or `50 %` (of the whole run).

    Where wall-clock time may decide, it can also be a time such as `10 minutes`. Amounts are exact fractions, so that a
    boundary is at the step that one computes by hand.
    """

    amount: Fraction
    unit: str

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Parses a duration.

        Raises:
            ValueError: the text has no number, no unit or an unknown unit, or is more than 100 percent.
        """
        match = PATTERN.fullmatch(text) if isinstance(text, str) else None
        if not match:
            raise ValueError("a duration has a number and a unit, like 64000steps, 30epochs, 1000000examples or 50%")
        amount, unit = match.groups()
        unit = "percent" if unit == "%" else unit.lower().removesuffix("s") + "s" * (unit.lower() != "percent")
        if unit not in UNITS:
            raise ValueError(f"'{match.group(2)}' is no unit of duration; known are: {', '.join(UNITS)}")
        if unit == "percent" and Fraction(amount) > 100:
            raise ValueError("should be at most 100%, which is the whole run")
        return cls(Fraction(amount), unit)

    def examples(self, clock: Clock) -> Fraction:
        """The duration in training examples.

        Raises:
            ValueError: it is a percentage and `total_steps` is not known, or it is a time.
        """
        if self.unit in SECONDS:
            raise ValueError("a time is no length of training; use steps, epochs or examples")
        if self.unit == "steps":
            return self.amount * clock.batch_size * clock.scale
        if self.unit == "epochs":
            return self.amount * clock.epoch_examples * clock.scale
        if self.unit == "examples":
            return self.amount * clock.scale
        if clock.total_steps is None:
            raise ValueError(f"{self} has no whole that it could be a part of; use steps, epochs or examples")
        return self.amount * clock.total_steps * clock.batch_size / 100

    def steps(self, clock: Clock) -> int:
        """The number of whole steps that cover this duration; a percentage is rounded to the nearest step."""
        steps = self.examples(clock) / clock.batch_size
        return round(steps) if self.unit == "percent" else ceil(steps)

    @property
    def seconds(self) -> float | None:
        """The duration in seconds of wall-clock time; None for a length of training."""
        return float(self.amount) * SECONDS[self.unit] if self.unit in SECONDS else None

    def __str__(self) -> str:
        short = f"{float(self.amount):g}"
        exact = short if Fraction(short) == self.amount else repr(float(self.amount))
        amount = exact if self.amount.denominator != 1 else str(self.amount)
        return f"{amount}%" if self.unit == "percent" else f"{amount} {self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lets a settings class have a field of this type, read from text."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )
