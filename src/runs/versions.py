"""Versions of code that measures: what is cached of one version is not taken for what another one would measure."""

from collections.abc import Callable
from typing import Any, TypeVar

MeasureT = TypeVar("MeasureT", bound=Callable[..., Any])


def version(number: int) -> Callable[[MeasureT], MeasureT]:
    """Declares the version of a function or class that measures.

    It goes up by one when what is measured changes, also if the reason is in code that the function calls.
    """

    def declare(measure: MeasureT) -> MeasureT:
        measure.version = number  # type: ignore[attr-defined]
        return measure

    return declare


def versions(*measures: Callable[..., Any]) -> dict[str, int]:
    """What an identity says of the code that measures: the versions after the first.

    The first one is not named, so that measurements from before versions were declared keep their names.

    Raises:
        AttributeError: one of them declares no version.
    """
    return {f"version of {name}": number for name, number in declared_versions(*measures).items() if number > 1}


def declared_versions(*measures: Callable[..., Any]) -> dict[str, int]:
    """The version of each, by its name.

    Raises:
        AttributeError: one of them declares none.
    """
    return {measure.__name__: measure.version for measure in measures}  # type: ignore[attr-defined]
