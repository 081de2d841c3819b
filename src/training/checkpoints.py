"""What a run goes on from, on disk. The only module that knows Orbax, whose interface is still moving.

A checkpoint is a directory named by its step. Orbax writes it beside its place and renames it; then a manifest with
the SHA-256 of every file is renamed into it, and from that moment on it counts. So one that was cut short at any point
is not there, and one that was damaged later is known before anything is read from it.
"""

import hashlib
import json
import logging
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from src.config.errors import UserError, one_line
from src.plain_json import dumps
from src.runs.files import write_whole
from src.runs.identity import difference
from src.training.state import Snapshot, TrainState

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


class Checkpoints:
    """The checkpoints of one run.

    Attributes:
        path: the directory of all of them.
        durable: the step of the latest that is whole on disk; -1 before the first.
    """

    def __init__(self, path: Path, settings: dict[str, Any], keep: int | None = None) -> None:
        """Looks for checkpoints.

        Args:
            path: where they are.
            settings: everything that defines the run's result; a checkpoint of another run is refused.
            keep: how many of the latest stay when new ones are written; none for all.
        """
        self.path, self._settings, self._keep = path.absolute(), settings, keep
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None
        self.durable = -1

    def save(self, snapshot: Snapshot) -> None:
        """Takes a copy and writes it in the background, after waiting for an earlier one that is still being written.

        Raises:
            UserError: the earlier one could not be written.
        """
        self.wait()
        copy = jax.tree.map(np.array, jax.device_get(snapshot))
        self._writing = self._worker.submit(self._write, copy)

    def wait(self) -> None:
        """Waits until the latest checkpoint is whole on disk.

        Raises:
            UserError: it could not be written.
        """
        if self._writing is None:
            return
        try:
            self._writing.result()
        except (OSError, ValueError) as error:
            raise UserError(f"cannot write a checkpoint into {self.path}: {one_line(error)[:200]}") from None
        finally:
            self._writing = None

    def latest(self, like: Snapshot) -> Snapshot | None:
        """Reads the latest checkpoint that is whole; damaged ones are said and set aside.

        Args:
            like: a snapshot of the same network and optimizer.

        Returns:
            Arrays on the host, or nothing when no checkpoint was ever finished.

        Raises:
            UserError: one belongs to another run, or there are some and all are damaged.
        """
        finished = self._finished()
        for path in reversed(finished):
            if self._intact(path):
                self.durable = int(path.name)
                return self.read(self.durable, like)
            aside = path.with_name(f"damaged-{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            log.warning("checkpoint %s is damaged; it is set aside as %s", path, aside.name)
        if finished:
            raise UserError(f"every checkpoint in {self.path} is damaged; fresh=true begins anew")
        return None

    def read(self, step: int, like: Snapshot) -> Snapshot:
        """Reads the checkpoint of a step; arrays on the host.

        Raises:
            UserError: it is not there, is damaged, belongs to another run, or was written by an incompatible version.
        """
        from orbax.checkpoint import v1 as ocp  # where it is needed: its import takes as long as that of Hydra

        path = self.path / str(step)
        if not self._intact(path):
            raise UserError(f"checkpoint {path} is damaged, or not there")
        try:
            found = ocp.load(path, jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), _tree(like)))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{path} cannot be read by this version: {one_line(error)[:200]}") from None
        return Snapshot(TrainState(**found["state"]), found["sums"])

    def steps(self) -> list[int]:
        """The steps of all checkpoints that are whole on disk, oldest first."""
        return [int(path.name) for path in self._finished()]

    def _finished(self) -> list[Path]:
        """The checkpoints with a manifest, oldest first."""
        found = [path for path in self.path.glob("*") if path.name.isdecimal() and (path / MANIFEST).exists()]
        return sorted(found, key=lambda path: int(path.name))

    def _intact(self, path: Path) -> bool:
        """Whether every byte is the one that was written.

        Raises:
            UserError: the checkpoint belongs to another run.
        """
        try:
            manifest = json.loads((path / MANIFEST).read_text())
            whole = not _has_links(path) and manifest["files"] == _sha256s(path)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if whole and manifest["settings"] != self._settings:
            raise UserError(f"{path} belongs to another run: {difference(manifest['settings'], self._settings)}")
        return whole

    def _write(self, snapshot: Snapshot) -> None:
        from orbax.checkpoint import v1 as ocp

        step = int(snapshot.state.step)
        path = self.path / str(step)
        ocp.save(path, _tree(snapshot), overwrite=True)
        manifest = {"settings": self._settings, "files": _sha256s(path)}
        write_whole(path / MANIFEST, dumps(manifest, indent=2) + "\n")
        self.durable = step
        if self._keep is not None:
            for old in self._finished()[: -self._keep]:
                shutil.rmtree(old)


def _tree(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as nested dictionaries, whose names are part of the format on disk."""
    return {"state": snapshot.state._asdict(), "sums": snapshot.sums}


def _sha256s(path: Path) -> dict[str, str]:
    """SHA-256 of every file of a checkpoint."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file != path / MANIFEST
    }


def _has_links(path: Path) -> bool:
    """Whether a checkpoint leads out of its run directory; none of ours ever does."""
    return any(part.is_symlink() for part in (path.parent, path, *path.rglob("*")))
