"""Kernels built where they run: compiled on first use, kept in a cache, trusted after a trial against XLA."""

import ctypes
import hashlib
import json
import logging
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import jax

from ..config.place import PACKAGE
from ..lock import locked
from ..plain_json import dumps
from .calls import Apply, Backward, Forward, MomentsOf, NormBack, Sums, target
from .pooling import AveragePool, AveragePoolBack, MaxPool, MaxPoolBack

log = logging.getLogger(__name__)

KERNELS = (Forward, Backward, Apply, Sums, MomentsOf, NormBack, MaxPool, MaxPoolBack, AveragePool, AveragePoolBack)
"""The calls of every library."""

SOURCES = Path(__file__).parent / "cpp"
NATIVE = "-mcpu=native" if platform.machine() in ("aarch64", "arm64") else "-march=native"
FLAGS = ("-std=c++17", "-O3", NATIVE, "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-shared", "-pthread")
"""Nothing that lets a compiler change what NaN, infinity or the order of sums mean."""

BINARY, ABOUT = "kernels.so", "about.json"
KEY = re.compile("[0-9a-f]{16}")
"""What `_key` gives; nothing else is a folder of ours, least of all `../elsewhere`."""

SECONDS = 300
"""The longest that a compiler or a trial may take."""


class Unusable(Exception):
    """Why there are no kernels, in one line."""


@dataclass(frozen=True)
class Library:
    """Kernels that are loaded.

    Attributes:
        key: hash of all that they are made of; part of the names by which XLA calls them.
        compiler: its first line about itself.
        flags: that it was given.
        vector_width: numbers in a vector.
    """

    key: str
    compiler: str
    flags: str
    vector_width: int


@lru_cache
def kernels(folder: Path, key: str | None = None) -> Library | None:
    """The kernels for this machine; they are built where they are not there yet.

    Args:
        folder: where built kernels are kept.
        key: of those that are wanted, if they are there; else of the present sources. An untrusted run may name it.

    Returns:
        Kernels that are loaded; nothing where there cannot be any, which is said in one line.
    """
    try:
        _make_private(folder)
        if key is not None and KEY.fullmatch(key) and (folder / key / ABOUT).exists():
            try:
                return _load(folder / key)
            except Unusable as error:
                log.warning("other kernels than the run began with, so its last bits may differ: %s", error)
        compiler = _compiler()
        key = _key(compiler)
        if not (folder / key / ABOUT).exists():
            with locked(folder / ".lock", of=folder, wait=True):
                if not (folder / key / ABOUT).exists():
                    _build(compiler, folder, key)
        return _load(folder / key)
    except (Unusable, OSError) as error:
        log.warning("no kernels of our own, XLA's operations take their place: %s", " ".join(str(error).split()))
        return None


def _make_private(folder: Path) -> None:
    """Makes the folder. What lies there is executed, so no other user may be able to write there.

    Raises:
        Unusable: others can write into it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_own(folder)


def _check_own(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Unusable(f"{path} belongs to others, or others may write to it; chmod go-w, or set CONVNETS_CACHE")


def _compiler() -> tuple[str, ...]:
    """The command of `$CXX`, or of `c++`.

    Raises:
        Unusable: there is none.
    """
    command = tuple(shlex.split(os.environ.get("CXX") or "c++"))
    if not command or shutil.which(command[0]) is None:
        raise Unusable(f"there is no C++ compiler {' '.join(command)}; install g++ or clang++, or set CXX")
    return command


def _key(compiler: tuple[str, ...]) -> str:
    """A hash of sources, compiler, flags, processor, and JAX's library."""
    parts = [file.name.encode() + file.read_bytes() for file in _files()]
    words = [_about(compiler), *FLAGS, _processor(), version("jaxlib"), sys.platform]
    return hashlib.sha256(b"\0".join([*parts, *map(str.encode, words)])).hexdigest()[:16]


def _files() -> list[Path]:
    return sorted(file for file in SOURCES.iterdir() if file.suffix in (".cc", ".h"))


def _about(compiler: tuple[str, ...]) -> str:
    """The first line of what a compiler says about itself."""
    return _run([*compiler, "--version"]).partition("\n")[0]


TELLING = ("flags", "model name", "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part")
"""Lines of /proc/cpuinfo that tell processors apart: the first two of x86, the others of ARM."""


def _processor() -> str:
    """What decides about the machine's instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return "\n".join(sorted({line for line in lines if line.startswith(TELLING)}))


def _build(compiler: tuple[str, ...], folder: Path, key: str) -> None:
    """Compiles and tries; only what stood its trial gets its name.

    Raises:
        Unusable: it did not compile, or gave other numbers than XLA.
    """
    log.info("building kernels for this machine, once")
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        sources = [str(file) for file in _files() if file.suffix == ".cc"]
        _run([*compiler, *FLAGS, "-isystem", jax.ffi.include_dir(), *sources, "-o", str(part / BINARY)])
        width = _run([sys.executable, "-m", f"{PACKAGE.name}.operations.trial", str(part / BINARY)]).split()[-1]
        library = Library(key, _about(compiler), " ".join(FLAGS), int(width))
        (part / ABOUT).write_text(dumps(asdict(library)) + "\n")
        part.rename(folder / key)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _run(command: list[str]) -> str:
    """What a command prints.

    Raises:
        Unusable: it failed.
    """
    name = Path(command[0]).name if "-m" not in command else "their trial"
    try:
        done = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unusable(f"{name} failed: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no word of why"]
        said = next((line for line in lines if "error" in line), lines[-1])
        raise Unusable(f"{name} ended with {done.returncode}: {said.strip()}")
    return done.stdout


def _load(directory: Path) -> Library:
    """Loads what was built and makes it known to XLA.

    Raises:
        Unusable: it is damaged, or others may have written it.
    """
    for path in (directory, directory / BINARY, directory / ABOUT):
        _check_own(path)
    try:
        library = Library(**json.loads((directory / ABOUT).read_text()))
    except (ValueError, TypeError):
        raise Unusable(f"{directory} is damaged; remove it") from None
    register(directory / BINARY, library.key)
    return library


_registered: set[str] = set()
"""Keys that XLA knows; it takes no name twice."""


def register(binary: Path, key: str) -> int:
    """Makes the kernels of a file known to XLA.

    Returns:
        The width of their vectors.

    Raises:
        Unusable: they are not there.
    """
    try:
        symbols = ctypes.CDLL(str(binary))
        for kernel in KERNELS if key not in _registered else ():
            call = jax.ffi.pycapsule(getattr(symbols, f"{kernel.__name__}Call"))
            jax.ffi.register_ffi_target(target(key, kernel.__name__), call, platform="cpu")
        _registered.add(key)
        symbols.VectorWidth.restype = ctypes.c_int64
        return int(symbols.VectorWidth())
    except (OSError, AttributeError) as error:
        raise Unusable(f"{binary} cannot be loaded: {error}") from None
