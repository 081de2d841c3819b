"""Weights & Biases: online if the user is logged in, else offline (`wandb sync` uploads later).

A resumed offline run starts a new segment, and `wandb sync` joins the segments. So a row is sent only when a later
checkpoint exists, and the steps in earlier segments are read back: together the segments have each step once.
"""

import glob
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import wandb
from jaxtyping import UInt8
from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

from .settings import WandbSettings
from .sinks import Row, Sink

FILE_HEADER, BLOCK = 7, 32 * 1024
PART_HEADER = struct.Struct("<IHB")
WHOLE, LAST = 1, 4


class WeightsAndBiases(Sink):
    """One W&B run, with its configuration, history, images and summary."""

    def __init__(
        self, settings: WandbSettings, directory: Path, identity: str, config: dict[str, Any], past: list[Row]
    ) -> None:
        """Starts or resumes the W&B run.

        Args:
            settings: project and entity.
            directory: the run's directory; segments are in its `wandb/`.
            identity: the W&B run id, the same for a resumed run.
            config: the resolved configuration.
            past: measurements before the run was interrupted.
        """
        identity = os.environ.get("WANDB_RUN_ID", identity)  # set by the agent of a W&B sweep
        self._sent = set(recorded_steps(directory, identity))
        self._run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            id=identity,
            name=directory.name,
            dir=directory,
            config=config,
            resume="allow",
            mode=None if os.environ.get("WANDB_MODE") or wandb.login(prompt=False) else "offline",
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._first = self._run.starting_step
        self._waiting: dict[int, Row] = {}
        for row in past:
            self.write(row)

    def write(self, row: Row) -> None:
        if row["step"] >= self._first and row["step"] not in self._sent:
            self._waiting.setdefault(row["step"], {}).update(row)

    def on_checkpoint(self, step: int) -> None:
        for ready in sorted(waiting for waiting in self._waiting if waiting <= step):
            self._run.log(self._waiting.pop(ready), step=ready)
            self._sent.add(ready)

    def picture(self, name: str, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
        self.write({"step": 0, name: wandb.Image(pixels)})

    def finish(self, results: dict[str, Any]) -> None:
        self._run.summary.update({name: value for name, value in results.items() if not isinstance(value, list)})

    def close(self) -> None:
        self._run.finish()
        wandb.teardown()  # `finish` returns before the last bytes are on disk


def recorded_steps(directory: Path, identity: str) -> Iterator[int]:
    """The steps in all segments of a run."""
    # The folder of a segment has a suffix if another one began in the same second, so only the file name has the id
    # alone.
    for path in sorted(directory.glob(f"wandb/*run-*/run-{glob.escape(identity)}.wandb")):
        for record in records(path):
            for item in record.history.item:
                if list(item.nested_key) == ["_step"]:
                    yield int(item.value_json)


def records(path: Path) -> Iterator[Record]:
    """The records of a segment file: a header, then the format of a LevelDB log.

    A record that crosses a block boundary is split into parts. A truncated file ends with its last complete record.
    """
    data = path.read_bytes()
    place, payload = FILE_HEADER, b""
    while place + PART_HEADER.size <= len(data):
        left = BLOCK - place % BLOCK
        if left < PART_HEADER.size:
            place += left
            continue
        _, size, kind = PART_HEADER.unpack_from(data, place)
        place += PART_HEADER.size
        if place + size > len(data):
            return
        payload += data[place : place + size]
        place += size
        if kind in (WHOLE, LAST):
            yield Record.FromString(payload)
            payload = b""
