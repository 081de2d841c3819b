"""A run directory: what is in it, and under which name."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from src.config.errors import UserError
from src.plain_json import dumps, numbers
from src.runs.files import write_whole

PRODUCTS = (
    "results.json", "failure.txt", "checkpoints", "metrics.jsonl", "metrics.csv", "tensorboard", "wandb", "trace",
    "first_batch.png", "uncommitted.diff",
)  # fmt: skip


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run.

    Attributes:
        path: the directory.
    """

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the process that trains here."""
        return self.path / ".lock"

    @property
    def metrics(self) -> Path:
        """One JSON object for each measurement."""
        return self.path / "metrics.jsonl"

    @property
    def table(self) -> Path:
        """The same measurements as a table."""
        return self.path / "metrics.csv"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event file."""
        return self.path / "tensorboard"

    @property
    def first_batch(self) -> Path:
        """A picture of the first training images."""
        return self.path / "first_batch.png"

    @property
    def checkpoints(self) -> Path:
        """What the run goes on from, and at its end the final state."""
        return self.path / "checkpoints"

    @property
    def trace(self) -> Path:
        """What a profiler recorded."""
        return self.path / "trace"

    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "results.json").exists()

    def started(self) -> bool:
        """Whether a run ever began here."""
        return (self.path / "provenance.json").exists()

    def clear(self) -> None:
        """Removes what a run produced; the results first: what is half removed must not be taken for a finished run."""
        for path in (self.path / name for name in PRODUCTS):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def write_start(self, config: dict[str, Any], provenance: dict[str, Any], diff: str) -> None:
        """Records what is about to be run, with which code and on what."""
        self.forget_failure()
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))
        self._write("provenance.json", dumps(provenance, indent=2) + "\n")
        if diff and not (self.path / "uncommitted.diff").exists():  # a run that goes on keeps that of its beginning
            self._write("uncommitted.diff", diff)

    def write_results(self, results: dict[str, Any]) -> None:
        """Records the results; with this a run is finished."""
        self._write("results.json", dumps(results, indent=2) + "\n")

    def write_failure(self, text: str) -> None:
        """Records why a run did not finish, or why nothing was done here when it was asked for last."""
        self._write("failure.txt", text)

    def forget_failure(self) -> None:
        """Removes that record."""
        (self.path / "failure.txt").unlink(missing_ok=True)

    def succeeded(self) -> bool:
        """Whether the run came to its end, and was not asked for in vain since."""
        return self.finished() and not (self.path / "failure.txt").exists()

    def read_config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            UserError: there is none.
        """
        try:
            config = yaml.safe_load(self._read("config.yaml"))
        except (yaml.YAMLError, ValueError):
            config = None
        if not isinstance(config, dict):
            raise UserError(f"{self.path / 'config.yaml'} is damaged")
        return config

    def read_json(self, name: str) -> dict[str, Any]:
        """The contents of `results.json` or `provenance.json`.

        Raises:
            UserError: there is no such file.
        """
        try:
            values = numbers(json.loads(self._read(name)))
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise UserError(f"{self.path / name} is damaged")
        return values

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text()
        except OSError:
            lacking = f"is not a finished run: it has no {name}" if self.path.is_dir() else "does not exist"
            raise UserError(f"run={self.path} {lacking}") from None

    def _write(self, name: str, text: str) -> None:
        write_whole(self.path / name, text)
