"""Versions of measuring code: a measurement that was cached by one version is not reused by another."""

from collections.abc import Callable
from typing import Any, TypeVar

MeasureT = TypeVar("MeasureT", bound=Callable[..., Any])


def version(number: int) -> Callable[[MeasureT], MeasureT]:
    """Declares the version of a measuring function or class.

    Increment it when the measured values change, also if the reason is in code that the function calls.
    """

    def declare(measure: MeasureT) -> MeasureT:
        measure.version = number  # type: ignore[attr-defined]
        return measure

    return declare


def versions(*measures: Callable[..., Any]) -> dict[str, int]:
    """The versions above 1 of measuring code, as part of an identity.

    Version 1 is left out, so that measurements that are older than versions keep their names.

    Raises:
        AttributeError: a function has no version.
    """
    return {f"version of {name}": number for name, number in declared_versions(*measures).items() if number > 1}


def declared_versions(*measures: Callable[..., Any]) -> dict[str, int]:
    """The versions of functions or classes, by their names.

    Raises:
        AttributeError: a function has no version.
    """
    return {measure.__name__: measure.version for measure in measures}  # type: ignore[attr-defined]
