"""Where a result came from: command, code, packages and machine."""

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
"""Of an installed package: the commit that it was built from, written when it was."""

CODE = ("src", "conf", "experiments")
UNKNOWN = "unknown code and device"
"""Of what was measured before provenances were written beside it."""

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "hydra-core")


def provenance() -> dict[str, Any]:
    """What would be needed to make a result again."""
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
    """How many processors this process may use, and XLA with it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What differs between two provenances that can change a result, in words; nothing if nothing does."""
    kinds = ("commit", "dirty", "packages", "python", "device", "devices", "threads", "xla_flags", "kernels")
    before, now = ({"kernels": "xla", **each} for each in (before, now))  # as all runs did before there were others
    return ", ".join(f"{kind} {before.get(kind)} -> {now[kind]}" for kind in kinds if before.get(kind) != now[kind])


def command() -> str:
    """The command line of this process."""
    return shlex.join([Path(sys.executable).name, *sys.orig_argv[1:]])


def commit() -> str | None:
    """The commit of the code, be it of a checkout or of an installed package; nothing if it is not known."""
    return _built_from()[0] if CHECKOUT is None else _git("rev-parse", "HEAD").strip() or None


def dirty() -> bool:
    """Whether the code is not that of its commit: files changed, or new."""
    return _built_from()[1] if CHECKOUT is None else bool(_git("status", "--porcelain", "--", *CODE))


def _built_from() -> tuple[str | None, bool]:
    """The commit of an installed package, and whether files were changed when it was built."""
    words = BUILT_FROM.read_text().split() if BUILT_FROM.exists() else []
    return (words[0] if words else None), "dirty" in words


def code_and_device() -> str:
    """The commit of the code in words, whether the code is something else by now, and what it runs on."""
    return in_words({"commit": commit(), "dirty": dirty(), "device": jax.devices()[0].device_kind})


def in_words(record: Mapping[str, Any] | None) -> str:
    """A provenance in a few words: commit, whether the code was something else, and device; none is an unknown one."""
    if record is None:
        return UNKNOWN
    changed = " with changes" if record["dirty"] else ""
    return f"{record['commit'] or 'no commit'}{changed}, {record['device']}"


def uncommitted() -> str:
    """The difference of the code to its commit, as far as files are known to git."""
    return _git("diff", "HEAD", "--", *CODE)


def _git(*arguments: str) -> str:
    """What git says of the checkout; nothing where there is no git, or no checkout.

    A repository around the checkout, which only holds it among other things, is not asked.
    """
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
