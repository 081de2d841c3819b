"""Weights & Biases: online if the user is logged in, else offline (`wandb sync` uploads later).

An offline run that goes on begins a new segment, and segments are put together when they are uploaded. So a row is sent
only when a checkpoint covers it, and what earlier segments hold is read back: together they have each step once.
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
    """One run there, with its configuration, history, pictures and summary."""

    def __init__(
        self, settings: WandbSettings, directory: Path, identity: str, config: dict[str, Any], past: list[Row]
    ) -> None:
        """Begins or continues.

        Args:
            settings: where it is shown.
            directory: the run's directory; segments are kept in its `wandb/`.
            identity: what the run is called there; the same when it goes on.
            config: the resolved configuration.
            past: what was measured before the run was interrupted.
        """
        identity = os.environ.get("WANDB_RUN_ID", identity)  # an agent of a sweep chooses it
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
    """The steps in the history of all segments of a run."""
    # The file has the run's name alone; that of its folder ends otherwise if another segment began in the same second.
    for path in sorted(directory.glob(f"wandb/*run-*/run-{glob.escape(identity)}.wandb")):
        for record in records(path):
            for item in record.history.item:
                if list(item.nested_key) == ["_step"]:
                    yield int(item.value_json)


def records(path: Path) -> Iterator[Record]:
    """The records of a segment's file, which has the format of a LevelDB log after a header of its own.

    A record is cut into parts where it crosses a block. A file that was cut short ends with its last whole record.
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
