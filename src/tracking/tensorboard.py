"""The TensorBoard event file of a run."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from ..runs.files import remove
from .sinks import Row, Sink

SPLITS = ("train", "validation", "test")
COMMON = ("step", "epoch", "seconds")


class TensorBoard(Sink):
    """Scalars named `SPLIT/NAME`, and images. A resumed run rewrites its history, so that no step occurs twice."""

    def __init__(self, directory: Path, past: list[Row], started: float) -> None:
        """Creates the file.

        Args:
            directory: of this run's event file; an earlier one is replaced.
            past: measurements before the run was interrupted.
            started: start of the run, in seconds since 1970.
        """
        remove(directory.glob("events.out.tfevents.*"), directory)
        self._writer = EventFileWriter(str(directory))
        self._started = started
        for row in past:
            self.write(row)
        self._writer.flush()

    def write(self, row: Row) -> None:
        values = [Summary.Value(tag=_tag(name), simple_value=row[name]) for name in row if name not in COMMON]
        self._add(Summary(value=values), row["step"], row["seconds"])

    def on_checkpoint(self, step: int) -> None:
        self._writer.flush()

    def picture(self, name: str, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        height, width, channels = pixels.shape
        picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=file.getvalue())
        self._add(Summary(value=[Summary.Value(tag=name, image=picture)]), 0, 0.0)

    def close(self) -> None:
        self._writer.close()

    def _add(self, summary: Summary, step: int, seconds: float) -> None:
        self._writer.add_event(Event(wall_time=self._started + seconds, step=step, summary=summary))


def _tag(name: str) -> str:
    """`train_loss` as `train/loss`, so that the charts of a split are grouped."""
    split, _, rest = name.partition("_")
    return f"{split}/{rest}" if split in SPLITS else name
