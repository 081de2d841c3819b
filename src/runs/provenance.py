"""Provenance of a result: command, code, packages and machine."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from .. import __version__
from ..config.place import CHECKOUT, PACKAGE

BUILT_FROM = PACKAGE / "commit.txt"
"""In an installed package: the commit that it was built from, written by the build."""

CODE = ("src", "conf", "experiments")
UNKNOWN = "unknown code and device"
"""The provenance of measurements that were cached before provenances were recorded."""

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "hydra-core")


def provenance() -> dict[str, Any]:
    """What is needed to reproduce a result."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "command": command(),
        "version": __version__,
        "commit": commit(),
        "dirty": dirty(),
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "threads": threads(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def threads() -> int | None:
    """The number of processors that this process, and so XLA, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The differences between two provenances that can change a result, in words; empty without any."""
    kinds = ("commit", "dirty", "packages", "python", "device", "devices", "threads", "xla_flags", "kernels")
    before, now = ({"kernels": "xla", **each} for each in (before, now))  # all older runs used XLA's operations
    return ", ".join(f"{kind} {before.get(kind)} -> {now[kind]}" for kind in kinds if before.get(kind) != now[kind])


def command() -> str:
    """The command line of this process."""
    return shlex.join([Path(sys.executable).name, *sys.orig_argv[1:]])


def commit() -> str | None:
    """The commit of the checkout, or the one that the installed package was built from; None if unknown."""
    return _built_from()[0] if CHECKOUT is None else _git("rev-parse", "HEAD").strip() or None


def dirty() -> bool:
    """Whether the code differs from its commit: changed or new files."""
    return _built_from()[1] if CHECKOUT is None else bool(_git("status", "--porcelain", "--", *CODE))


def _built_from() -> tuple[str | None, bool]:
    """The commit that an installed package was built from, and whether there were uncommitted changes."""
    words = BUILT_FROM.read_text().split() if BUILT_FROM.exists() else []
    return (words[0] if words else None), "dirty" in words


def code_and_device() -> str:
    """Commit, uncommitted changes and device of this process, in words."""
    return in_words({"commit": commit(), "dirty": dirty(), "device": jax.devices()[0].device_kind})


def in_words(record: Mapping[str, Any] | None) -> str:
    """A provenance in a few words: commit, whether there were uncommitted changes, and device; None is unknown."""
    if record is None:
        return UNKNOWN
    changed = " with changes" if record["dirty"] else ""
    return f"{record['commit'] or 'no commit'}{changed}, {record['device']}"


def uncommitted() -> str:
    """The diff of tracked files to their commit."""
    return _git("diff", "HEAD", "--", *CODE)


def _git(*arguments: str) -> str:
    """The output of a git command in the checkout; empty without git or checkout.

    A repository that merely contains the checkout is not used.
    """
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
