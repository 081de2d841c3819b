"""The interface of receivers of a run's measurements."""

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
    """Receives the measurements of a run. Subclasses override the methods they need."""

    def advance(self, step: int) -> None:
        """Is called when a step was dispatched."""

    def write(self, row: Row) -> None:
        """Receives a measurement, in the order of steps."""

    def on_checkpoint(self, step: int) -> None:
        """Is called when a checkpoint of this step is on disk: no earlier step will be measured again."""

    def picture(self, name: str, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        """Receives an image at the start of the run."""

    def finish(self, results: dict[str, Any]) -> None:
        """Receives the results."""

    def close(self) -> None:
        """Closes the sink, whether or not the run finished."""


class Recorder(Sink):
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
    """Several sinks as one. A sink that raises is dropped with one warning; the run continues."""

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
