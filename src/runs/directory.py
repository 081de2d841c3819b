"""A run directory: what is in it, and under which name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from src.config.errors import UserError


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run.

    Attributes:
        path: the directory.
    """

    path: Path

    @property
    def metrics(self) -> Path:
        """One JSON object for each measurement."""
        return self.path / "metrics.jsonl"

    @property
    def state(self) -> Path:
        """The final parameters, statistics and optimizer state."""
        return self.path / "state"

    @property
    def last_good_state(self) -> Path:
        """The state before the step at which a run diverged."""
        return self.path / "last_good_state"

    def finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "results.json").exists()

    def write_start(self, config: dict[str, Any], provenance: dict[str, Any], diff: str) -> None:
        """Records what is about to be run, with which code and on what; results of an earlier run are removed."""
        (self.path / "results.json").unlink(missing_ok=True)
        self._write("config.yaml", yaml.safe_dump(config, sort_keys=False))
        self._write("provenance.json", json.dumps(provenance, indent=2) + "\n")
        if diff:
            self._write("uncommitted.diff", diff)

    def write_results(self, results: dict[str, Any]) -> None:
        """Records the results; with this a run is finished."""
        self._write("results.json", json.dumps(results, indent=2) + "\n")

    def read_config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            UserError: there is none.
        """
        config = yaml.safe_load(self._read("config.yaml"))
        if not isinstance(config, dict):
            raise UserError(f"{self.path / 'config.yaml'} is damaged")
        return config

    def read_json(self, name: str) -> dict[str, Any]:
        """The contents of `results.json` or `provenance.json`.

        Raises:
            UserError: there is no such file.
        """
        try:
            return json.loads(self._read(name))
        except ValueError:
            raise UserError(f"{self.path / name} is damaged") from None

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text()
        except OSError:
            raise UserError(f"run={self.path} is not a finished run: it has no {name}") from None

    def _write(self, name: str, text: str) -> None:
        """Writes beside and renames, so that a file is there as a whole or not at all."""
        part = self.path / f".{name}.part"
        part.write_text(text)
        part.replace(self.path / name)
