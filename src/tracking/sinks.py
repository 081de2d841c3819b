"""The one interface of everything that receives measurements of a run."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ..config.errors import one_line

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""One measurement: `step`, `epoch`, `seconds`, and values named `SPLIT_NAME`, such as `validation_accuracy`."""


class Sink:
    """Receives the measurements of a run. A sink overrides the methods that it needs."""

    def advance(self, step: int) -> None:
        """The step was dispatched."""

    def write(self, row: Row) -> None:
        """Takes a measurement; they come in the order of their steps."""

    def on_checkpoint(self, step: int) -> None:
        """A checkpoint of this step is on disk: no measurement up to it will ever be made again."""

    def picture(self, name: str, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        """Takes a picture that belongs to the beginning of the run."""

    def finish(self, results: dict[str, Any]) -> None:
        """Takes the results."""

    def close(self) -> None:
        """Finishes, whether the run did or not."""


class Records(Sink):
    """The history of a run first, then everything else that receives its measurements."""

    def __init__(self, history: Sink, others: Sink) -> None:
        self._both = history, others

    def advance(self, step: int) -> None:
        for each in self._both:
            each.advance(step)

    def write(self, row: Row) -> None:
        for each in self._both:
            each.write(row)

    def on_checkpoint(self, step: int) -> None:
        for each in self._both:
            each.on_checkpoint(step)


class Sinks(Sink):
    """Several sinks as one. A sink that fails is left out from there on, with one warning; the run goes on."""

    def __init__(self, openers: dict[str, Callable[[], Sink]]) -> None:
        self._open: dict[str, Sink] = {}
        for name, opener in openers.items():
            self._attempt(name, partial(self._add, name, opener))

    def advance(self, step: int) -> None:
        self._each("advance", step)

    def write(self, row: Row) -> None:
        self._each("write", row)

    def on_checkpoint(self, step: int) -> None:
        self._each("on_checkpoint", step)

    def picture(self, name: str, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        self._each("picture", name, pixels)

    def finish(self, results: dict[str, Any]) -> None:
        self._each("finish", results)

    def close(self) -> None:
        self._each("close")

    def _each(self, method: str, *arguments: Any) -> None:
        for name, sink in list(self._open.items()):
            self._attempt(name, partial(getattr(sink, method), *arguments))

    def _add(self, name: str, opener: Callable[[], Sink]) -> None:
        self._open[name] = opener()

    def _attempt(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._open.pop(name, None)
            log.warning("%s failed and is left out from here on: %s", name, one_line(error) or repr(error))
