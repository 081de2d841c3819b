"""What a run goes on from, on disk. The only module that knows Orbax, whose interface is still moving.

A checkpoint is a directory named by its step. It is written beside its place, read back, and given a manifest with the
SHA-256 of every file; then it is renamed, and from that moment on it counts. So one that was cut short at any point is
not there, and one that was damaged later is known before anything is read from it. Files of others that come to lie in
it are neither read nor removed.
"""

import glob
import hashlib
import itertools
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..config.errors import UserError, one_line
from ..plain_json import dumps
from ..runs.files import remove, write_whole
from ..runs.identity import difference
from .state import Snapshot, TrainState

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
UNFINISHED = (".[0-9]*.part*", ".trial.part*", "*.orbax-checkpoint-tmp*")
ON_DISK = {"batch_stats": "statistics"}
"""Parts of a state that have another name on disk, which stays."""

NOT_ON_DISK = "failed"
"""A state that is saved is a good one."""

UNREADABLE = (OSError, ValueError, KeyError, RuntimeError)
"""What Orbax raises where it cannot read."""


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

    def save(self, snapshot: Snapshot, best: int | None = None) -> None:
        """Takes a copy and writes it in the background, after waiting for an earlier one that is still being written.

        Args:
            snapshot: of the run.
            best: a step whose checkpoint stays beside the latest ones.

        Raises:
            UserError: the earlier one could not be written.
        """
        self.wait()
        copy = jax.tree.map(np.array, jax.device_get(snapshot))
        self._writing = self._worker.submit(self._write, copy, best)

    def wait(self) -> None:
        """Waits until the latest checkpoint is whole on disk.

        Raises:
            UserError: it could not be written.
        """
        if self._writing is None:
            return
        try:
            self._writing.result()
        except UNREADABLE as error:
            raise UserError(f"cannot write a checkpoint into {self.path}: {one_line(error)[:200]}") from None
        finally:
            self._writing = None

    def check_writable(self) -> None:
        """Writes something small and reads it back, so that a run which could not be saved is not begun.

        Raises:
            UserError: it cannot be done.
        """
        part = self.path / ".trial.part"
        try:
            _write_tree(part, {"trial": np.zeros(1)})
        except UNREADABLE as error:
            raise UserError(f"cannot write checkpoints into {self.path}: {one_line(error)[:200]}") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def clear(self) -> None:
        """Removes all checkpoints; what others put beside or into them stays."""
        self._remove_unfinished()
        for path in self.path.glob("*"):
            _remove(path)
        for path in self._finished():  # its manifest is damaged, so it is unknown which files are ours
            _aside(path, "foreign")

    def latest(self, like: Snapshot) -> Snapshot | None:
        """Reads the latest checkpoint that is whole; damaged ones that are later are said and set aside.

        Args:
            like: a snapshot of the same network and optimizer.

        Returns:
            Arrays on the host, or nothing when no checkpoint was ever finished.

        Raises:
            UserError: one belongs to another run, or there are some and all are damaged; these stay as they are.
        """
        self._remove_unfinished()
        self._take_back()
        faults: dict[Path, str] = {}
        for path in reversed(self._finished()):
            fault = self._fault(path)
            if fault is None:
                for damaged, its_fault in faults.items():
                    log.warning(
                        "checkpoint %s is damaged (%s) and set aside as %s",
                        damaged,
                        its_fault,
                        _aside(damaged, "damaged"),
                    )
                self.durable = int(path.name)
                return self.read(self.durable, like)
            faults[path] = fault
        if faults:
            words = "; ".join(f"{path.name}: {fault}" for path, fault in faults.items())
            raise UserError(
                f"every checkpoint in {self.path} is damaged ({words}); the run goes on when one is whole again, "
                "from a backup for instance; without one, fresh=true begins anew"
            )
        return None

    def read(self, step: int, like: Snapshot) -> Snapshot:
        """Reads the checkpoint of a step; arrays on the host.

        Raises:
            UserError: it is not there, is damaged, belongs to another run, or was written by an incompatible version.
        """
        path = self.path / str(step)
        fault = self._fault(path)
        if fault is not None:
            raise UserError(f"checkpoint {path} is damaged, or not there: {fault}")
        try:
            found = _read_tree(path, _tree(like))
        except UNREADABLE as error:
            raise UserError(f"{path} cannot be read by this version: {one_line(error)[:200]}") from None
        return _snapshot(found)

    def steps(self) -> list[int]:
        """The steps of all checkpoints that are whole on disk, oldest first."""
        return [int(path.name) for path in self._finished()]

    def _finished(self) -> list[Path]:
        """The checkpoints with a manifest, oldest first."""
        found = [path for path in self.path.glob("*") if path.name.isdecimal() and (path / MANIFEST).exists()]
        return sorted(found, key=lambda path: int(path.name))

    def _remove_unfinished(self) -> None:
        """Removes what was being written when its process died."""
        for pattern in UNFINISHED:
            for path in self.path.glob(pattern):
                shutil.rmtree(path, ignore_errors=True)

    def _take_back(self) -> None:
        """Puts checkpoints that were set aside into their places, if none is there and they were repaired."""
        if self._finished():
            return  # the run went on from it, and its history does not reach further
        for path in self.path.glob("damaged-*"):
            step = path.name.split("-")[1]
            if step.isdecimal() and (path / MANIFEST).exists() and not (self.path / step).exists():
                path.rename(self.path / step)

    def _fault(self, path: Path) -> str | None:
        """What is not as it was written, if anything is.

        Raises:
            UserError: the checkpoint belongs to another run.
        """
        manifest = _manifest(path)
        if manifest is None:
            return f"{MANIFEST} is missing or damaged"
        if _has_links(path):
            return "it has links"
        for name, sha256 in manifest["files"].items():
            if not (path / name).is_file():
                return f"{name} is missing"
            if _sha256(path / name) != sha256:
                return f"{name} was changed"
        if manifest["settings"] != self._settings:
            raise UserError(f"{path} belongs to another run: {difference(manifest['settings'], self._settings)}")
        return None

    def _write(self, snapshot: Snapshot, best: int | None) -> None:
        step = int(snapshot.state.step)
        path = self.path / str(step)
        if self._fault(path) is not None:
            part = path.with_name(f".{step}.part")
            _write_tree(part, _tree(snapshot))
            files = {str(file.relative_to(part)): _sha256(file) for file in part.rglob("*") if file.is_file()}
            write_whole(part / MANIFEST, dumps({"settings": self._settings, "files": files}, indent=2) + "\n")
            if path.exists():
                log.warning("%s is in the way of a checkpoint and set aside as %s", path, _aside(path, "foreign"))
            part.rename(path)
        self.durable = step
        if self._keep is not None:
            for old in self._finished()[: -self._keep]:
                if old.name != str(best):
                    _remove(old)


def _tree(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as nested dictionaries, whose names are part of the format on disk."""
    fields = snapshot.state._asdict()
    state = {ON_DISK.get(name, name): values for name, values in fields.items() if name != NOT_ON_DISK}
    return {"state": state, "sums": snapshot.sums}


def _snapshot(tree: dict[str, Any]) -> Snapshot:
    """The snapshot of nested dictionaries."""
    names = {there: here for here, there in ON_DISK.items()}
    fields: dict[str, Any] = {names.get(name, name): part for name, part in tree["state"].items()}
    return Snapshot(TrainState(**fields | {NOT_ON_DISK: np.zeros((), bool)}), tree["sums"])


def _write_tree(path: Path, tree: dict[str, Any]) -> None:
    """Writes arrays, and sees that they can be read back; raises one of `UNREADABLE` if not."""
    from orbax.checkpoint import v1 as ocp  # where it is needed: its import takes as long as that of Hydra

    path.parent.mkdir(parents=True, exist_ok=True)
    with _plain(path) as place:
        ocp.save(place, tree, overwrite=True)
    found = _read_tree(path, tree)
    for written, read in zip(jax.tree.leaves(tree), jax.tree.leaves(found), strict=True):
        if np.asarray(written).tobytes() != np.asarray(read).tobytes():
            raise ValueError("what was written is read as something else")


def _read_tree(path: Path, like: dict[str, Any]) -> Any:
    """Reads arrays of the same names, shapes and kinds."""
    from orbax.checkpoint import v1 as ocp

    with _plain(path) as place:
        return ocp.load(place, jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like))


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """The same place by a name that Orbax takes literally: it looks for patterns in names, and reads backslashes."""
    name = str(path.parent)
    if glob.escape(name) == name and "\\" not in name and name.isprintable():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="checkpoints-") as home:
        link = Path(home) / "link"
        link.symlink_to(path.parent.absolute())
        yield link / path.name


def _manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of a checkpoint, if it has one that says what it should."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        return manifest if isinstance(manifest["files"], dict) and isinstance(manifest["settings"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _remove(path: Path) -> None:
    """Removes the files that a checkpoint's manifest names; the manifest is the last, for what is half removed."""
    names = (_manifest(path) or {"files": {}})["files"]
    found = [file for file in path.rglob("*") if str(file.relative_to(path)) in names]
    remove(found, path)
    if names:
        remove([path / MANIFEST], path.parent)


def _aside(path: Path, kind: str) -> str:
    """Renames what is not to count, and gives its new name; nothing is replaced."""
    names = itertools.chain([f"{kind}-{path.name}"], (f"{kind}-{path.name}-{n}" for n in itertools.count(2)))
    aside = next(found for name in names if not (found := path.with_name(name)).exists())
    path.rename(aside)
    return aside.name


def _has_links(path: Path) -> bool:
    """Whether a checkpoint leads out of its run directory; none of ours ever does."""
    return any(part.is_symlink() for part in (path.parent, path, *path.rglob("*")))
