"""Lengths of training and of time, in the unit that their author thinks in."""

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
    """What turns a duration into steps.

    Attributes:
        batch_size: examples in a step.
        epoch_examples: examples in an epoch.
        total_steps: what 100 percent are.
        scale: how much shorter the run is than its author stated; steps, epochs and examples shrink with it.
    """

    batch_size: int
    epoch_examples: int
    total_steps: int | None = None
    scale: Fraction = Fraction(1)


@dataclass(frozen=True)
class Duration:
    """A length of training such as `64000 steps`, `300 epochs`, `1000000 examples` or `50 %` (of the whole run).

    Where the clock on the wall may decide, it can also be a time such as `10 minutes`. Amounts are kept as fractions,
    so that a boundary falls on the step that its author computed by hand.
    """

    amount: Fraction
    unit: str

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Reads `text`.

        Raises:
            ValueError: the text has no number, no unit, or a unit that does not exist, or is more than the whole.
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
        """The length in training examples.

        Raises:
            ValueError: a percentage where there is no whole to take it of, or a time.
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
        """How long by the clock on the wall; nothing for a length of training."""
        return float(self.amount) * SECONDS[self.unit] if self.unit in SECONDS else None

    def __str__(self) -> str:
        short = f"{float(self.amount):g}"
        exact = short if Fraction(short) == self.amount else repr(float(self.amount))
        amount = exact if self.amount.denominator != 1 else str(self.amount)
        return f"{amount}%" if self.unit == "percent" else f"{amount} {self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lets a settings class declare a field of this type and read it from text."""
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value),
            serialization=core_schema.to_string_ser_schema(),
        )
