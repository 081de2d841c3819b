"""Limits on a run: a profile or a debugging aid makes whatever an experiment states smaller, and never larger."""

from pydantic import PositiveInt

from ..config.duration import Duration
from ..config.settings import Settings


class Limits(Settings):
    """How large a run may be at most; null is no limit.

    An experiment never writes these keys, so a profile means the same before and after it on a command line.

    Attributes:
        examples: of each split.
        image_size: pixels a side; larger images are averaged down by a whole factor.
        duration: of training; the schedule shrinks with it.
    """

    examples: PositiveInt | None
    image_size: PositiveInt | None
    duration: Duration | None


class DebugSettings(Limits):
    """Limits for finding faults.

    Attributes:
        augment: whether training images are changed at random.
        nans: whether JAX stops at the operation that makes the first NaN.
        trace: how many steps are traced before training; null for none.
    """

    augment: bool
    nans: bool
    trace: PositiveInt | None


def smallest(values: list[int | None]) -> int | None:
    """The tightest of several limits, or none."""
    return min((value for value in values if value is not None), default=None)
