"""Progress displays."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.text import Text

from ..config.errors import say
from .sinks import Row, Sink

SECONDS_BETWEEN_LINES = 10.0
TRAIN = "train"
SPLITS = (TRAIN, "validation", "test")
GENERAL = {"learning_rate": "lr {:.2g}", "images_per_second": "{:,.0f} images/s"}


Shown = Mapping[str, Callable[[float], str]]
"""The measurements that a person looks at, without their split, and how each is written."""


def progress_sink(kind: Literal["auto", "bar", "lines", "none"], start: int, total: int, shown: Shown) -> Sink:
    """A bar on a terminal; lines where the output is a file; `start` steps were taken before."""
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "lines"
    if kind == "none":
        return Sink()
    return ProgressBar(start, total, shown) if kind == "bar" else ProgressLines(start, total, shown)


def in_words(row: Row, shown: Shown) -> str:
    """The values of a row that a person looks at."""
    words = []
    for split in SPLITS:
        own = [f"{name} {text(row[f'{split}_{name}'])}" for name, text in shown.items() if f"{split}_{name}" in row]
        words += [f"{split} {own[0]}", *own[1:]] if own and split != TRAIN else own
    words += [text.format(row[name]) for name, text in GENERAL.items() if name in row]
    return "  ".join(words)


class PlaceColumn(ProgressColumn):
    """Step, time left and latest measurements, cut to the width of the terminal."""

    def render(self, task: Task) -> Text:
        """The text of one line."""
        words = [f"{task.completed:,.0f}/{task.total:,.0f}"]
        if task.finished_time is not None:
            words.append(f"took {timedelta(seconds=int(task.finished_time))}")
        elif task.time_remaining is not None:
            words.append(f"left: {timedelta(seconds=int(task.time_remaining))}")
        return Text("  ".join([*words, task.fields["words"]]), no_wrap=True, overflow="ellipsis")


class ProgressBar(Sink):
    """A progress bar with the time left and the latest measurements."""

    def __init__(self, start: int, total: int, shown: Shown) -> None:
        self._shown, console = shown, Console(stderr=True)
        bar = BarColumn(bar_width=min(console.width // 5, 24))
        self._progress = Progress(bar, PlaceColumn(), console=console)
        self._task = self._progress.add_task("training", total=total, completed=start, words="compiling")
        self._progress.start()

    def advance(self, step: int) -> None:
        """Moves the bar."""
        self._progress.update(self._task, completed=step)

    def write(self, row: Row) -> None:
        """Shows training measurements beside the bar, and other measurements above it."""
        if "train_loss" in row:
            self._progress.update(self._task, words=in_words(row, self._shown))
        else:
            self._progress.console.print(f"epoch {row['epoch']:.1f}  {in_words(row, self._shown)}", highlight=False)

    def close(self) -> None:
        """Stops the bar and leaves it on the terminal."""
        self._progress.stop()


class ProgressLines(Sink):
    """Occasional lines with the time left."""

    def __init__(self, start: int, total: int, shown: Shown) -> None:
        self._start, self._total, self._shown = start, total, shown
        self._started = self._last = time.perf_counter()
        if start < total:
            say(f"{total - start:,} steps to go; compiling the first")

    def write(self, row: Row) -> None:
        """Prints every evaluation, and training measurements at most every `SECONDS_BETWEEN_LINES`."""
        now = time.perf_counter()
        if "train_loss" in row and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        done = max(row["step"] - self._start, 1)
        left = (now - self._started) / done * (self._total - row["step"])
        place = f"step {row['step']}/{self._total}  epoch {row['epoch']:.1f}"
        say(f"{place}  {in_words(row, self._shown)}  left: {timedelta(seconds=round(left))}")
