"""Progress of a study."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..tasks.metrics import Metric
from ..tracking.sinks import Row

SECONDS_BETWEEN_LINES = 60.0


class StudyProgress:
    """Shows the number of finished runs, the present one, and the estimated time left.

    On a terminal one line is redrawn; in a file every run has its own line.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done, self._began = total, 0, time.perf_counter()
        columns = BarColumn(bar_width=16), MofNCompleteColumn(), TextColumn("runs  {task.description}")
        self._terminal = sys.stderr.isatty()
        self._bar = Progress(*columns, console=Console(stderr=True), disable=not self._terminal)
        self._task = self._bar.add_task("", total=total)
        self._current = ""

    def __enter__(self) -> "StudyProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, name: str, headline: Metric) -> None:
        """Shows the next run."""
        self._current, self._headline = name, headline
        self._bar.update(self._task, description=f"{self._left()}{name}")
        if not self._terminal:
            print(f"run {self._done + 1} of {self._total}  {self._left()}{name}", file=sys.stderr, flush=True)

    def measured(self, row: Row) -> None:
        """Shows how far the run is."""
        name, value = self._headline.name, row[f"validation_{self._headline.name}"]
        score = f"step {row['step']}  validation {name} {self._headline.shown(value)}"
        self._bar.update(self._task, description=f"{self._left()}{self._current}  {score}")

    def done(self) -> None:
        """Counts the run."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)

    def _left(self) -> str:
        """The estimated time left."""
        if not self._done:
            return ""
        seconds = (time.perf_counter() - self._began) / self._done * (self._total - self._done)
        return f"{seconds / 60:.0f} min left  "


@contextmanager
def surface_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Shows the number of measured points of a surface: one line on a terminal, occasional lines elsewhere."""
    terminal, began, last = sys.stderr.isatty(), time.perf_counter(), -math.inf
    first: int | None = None

    def callback(done: int, total: int) -> None:
        nonlocal last, first
        first = done - 1 if first is None else first
        now = time.perf_counter()
        if terminal or done == total or now - last >= SECONDS_BETWEEN_LINES:
            last, left = now, (now - began) / max(1, done - first) * (total - done)
            ending = "\r" if terminal and done < total else "\n"
            print(
                f"{name}: {done} of {total} points  {left / 60:.1f} min left  ", end=ending, file=sys.stderr, flush=True
            )

    yield callback
