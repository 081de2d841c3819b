"""A run directory: its files and their names."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..config.errors import UserError
from ..plain_json import dumps, numbers
from .files import check_ours, remove, write_whole

PROVENANCE = "provenance.json"
PREPROCESSING = "preprocessing.json"
RESULTS = "results.json"
MENDS = {
    RESULTS: "remove it, and the command that trained makes it again from the last checkpoint",
    PREPROCESSING: "remove it, and the data are read in its place",
}
"""What can be done about a damaged file."""
BEGINNINGS = (".lock", "*.log", ".hydra", "failure.txt")
"""Files that Hydra and the run write before the provenance; the lock is the first."""
PRODUCTS = (
    "failure.txt", PREPROCESSING, "metrics.jsonl", "metrics.csv", "first_batch.png", "uncommitted.diff",
    "tensorboard/events.out.tfevents.*", "trace/plugins/profile/*/*.xplane.pb", "trace/plugins/profile/*/*.json.gz",
    "wandb/*run-*-{identity}-*/**/*", "wandb/latest-run", "wandb/debug.log",
    "wandb/debug-internal.log",
)  # fmt: skip
"""Files that a run writes besides its results and checkpoints."""


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run.

    Attributes:
        path: the directory.
    """

    path: Path

    @property
    def lock(self) -> Path:
        """The lock of the process that trains here."""
        return self.path / ".lock"

    @property
    def metrics(self) -> Path:
        """One JSON object per measurement."""
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
        """An image of the first training batch."""
        return self.path / "first_batch.png"

    @property
    def checkpoints(self) -> Path:
        """The checkpoints; the last one of a finished run is its final state."""
        return self.path / "checkpoints"

    @property
    def trace(self) -> Path:
        """The trace of the profiler."""
        return self.path / "trace"

    def finished(self) -> bool:
        """Whether the run is finished."""
        return (self.path / "results.json").exists()

    def started(self) -> bool:
        """Whether a run was started here."""
        return (self.path / PROVENANCE).exists()

    def check_ours(self) -> None:
        """Refuses a directory with files of others, and one whose checkpoints are a link.

        Raises:
            UserError: the message lists the files.
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
        """Removes the files that the run wrote, except its checkpoints. Files of others stay.

        The results are removed first, so that a partly removed run does not look finished.
        """
        (self.path / "results.json").unlink(missing_ok=True)
        identity = self.read_json(PROVENANCE)["identity"] if self.started() else ""
        for pattern in PRODUCTS:
            remove(self.path.glob(pattern.format(identity=identity)), self.path)

    def write_start(
        self, config: dict[str, Any], provenance: dict[str, Any], diff: str, preprocessing: dict[str, Any]
    ) -> None:
        """Records what is about to be run, with which code, on what, and how inputs are made of that."""
        self.forget_failure()
        self._write(PROVENANCE, dumps(provenance, indent=2) + "\n")  # first: it marks the directory as ours
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))
        self._write(PREPROCESSING, dumps(preprocessing) + "\n")
        if diff and not (self.path / "uncommitted.diff").exists():  # a run that goes on keeps that of its beginning
            self._write("uncommitted.diff", diff)

    def write_results(self, results: dict[str, Any]) -> None:
        """Writes the results, which marks the run as finished."""
        self._write("results.json", dumps(results, indent=2) + "\n")

    def write_failure(self, text: str) -> None:
        """Writes why the run did not finish, or why the last command did nothing here."""
        self._write("failure.txt", text)

    def forget_failure(self) -> None:
        """Removes the record of a failure."""
        (self.path / "failure.txt").unlink(missing_ok=True)

    def succeeded(self) -> bool:
        """Whether the run is finished and no later command failed here."""
        return self.finished() and not (self.path / "failure.txt").exists()

    def read_config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            UserError: it is missing or damaged.
        """
        try:
            config = yaml.safe_load(self._read("config.yaml"))
        except (yaml.YAMLError, ValueError):
            config = None
        if not isinstance(config, dict):
            raise UserError(f"{self.path / 'config.yaml'} is damaged")
        return config

    def read_json(self, name: str) -> dict[str, Any]:
        """The contents of `results.json`, `provenance.json` or `preprocessing.json`.

        Raises:
            UserError: the file is missing or damaged.
        """
        try:
            values = numbers(json.loads(self._read(name)))
        except ValueError:
            values = None
        if not isinstance(values, dict):
            mend = f"; {MENDS[name]}" if name in MENDS else ""
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
