"""A run directory: what is in it, and under which name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..config.errors import UserError
from ..plain_json import dumps, numbers
from .files import check_ours, remove, write_whole

PROVENANCE = "provenance.json"
MAKE_AGAIN = "remove it, and the command that trained makes it again from the last checkpoint"
BEGINNINGS = (".lock", "*.log", ".hydra", "failure.txt")
"""What Hydra and the run write before the provenance is there; the lock comes first."""
PRODUCTS = (
    "failure.txt", "metrics.jsonl", "metrics.csv", "first_batch.png", "uncommitted.diff",
    "tensorboard/events.out.tfevents.*", "trace/plugins/profile/*/*.xplane.pb", "trace/plugins/profile/*/*.json.gz",
    "wandb/*run-*-{identity}-*/**/*", "wandb/latest-run", "wandb/debug.log",
    "wandb/debug-internal.log",
)  # fmt: skip
"""What a run produces beside its results and checkpoints."""


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
        return (self.path / PROVENANCE).exists()

    def check_ours(self) -> None:
        """Refuses a directory that holds something, but no run of ours, and one whose checkpoints could not be read.

        Raises:
            UserError: saying what it holds.
        """
        try:
            ours = self.started() and {"identity", "commit"} <= self.read_json(PROVENANCE).keys()
            beginnings = BEGINNINGS if self.lock.is_file() else ()
        except OSError as error:
            raise UserError(f"hydra.run.dir={self.path}: {error.strerror}") from None
        check_ours(self.path, ours=ours, beginnings=beginnings, instead="choose another hydra.run.dir")
        if self.checkpoints.is_symlink():
            raise UserError(f"{self.checkpoints} is a link, and links are not followed; make it a directory")

    def clear(self) -> None:
        """Removes what the run produced, but for its checkpoints; what others put beside it stays.

        The results go first: what is half removed must not be taken for a finished run.
        """
        (self.path / "results.json").unlink(missing_ok=True)
        identity = self.read_json(PROVENANCE)["identity"] if self.started() else ""
        for pattern in PRODUCTS:
            remove(self.path.glob(pattern.format(identity=identity)), self.path)

    def write_start(self, config: dict[str, Any], provenance: dict[str, Any], diff: str) -> None:
        """Records what is about to be run, with which code and on what."""
        self.forget_failure()
        self._write(PROVENANCE, dumps(provenance, indent=2) + "\n")  # first: with it the directory is ours
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))
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
            mend = f"; {MAKE_AGAIN}" if name == "results.json" else ""
            raise UserError(f"{self.path / name} is damaged{mend}")
        return values

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text()
        except OSError:
            raise UserError(f"run={self.path} {self._lacking(name)}") from None

    def _lacking(self, name: str) -> str:
        """Why a file cannot be read."""
        try:
            if self.path.is_dir():
                return f"is not a finished run: it has no {name}"
            return "exists, but is a file and no run" if self.path.exists() else "does not exist"
        except OSError as error:
            return f"cannot be read: {error.strerror}"

    def _write(self, name: str, text: str) -> None:
        write_whole(self.path / name, text)
