"""The library of kernels: compiled on first use on the machine that runs it, checked against XLA, and cached."""

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
from concurrent.futures import ThreadPoolExecutor
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
"""The calls in every library."""

SOURCES = Path(__file__).parent / "cpp"
NATIVE = "-mcpu=native" if platform.machine() in ("aarch64", "arm64") else "-march=native"
FLAGS = ("-std=c++17", "-O3", NATIVE, "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-pthread")
"""No flag that lets a compiler change the handling of NaN and infinity, or the order of sums."""

BINARY, ABOUT = "kernels.so", "about.json"
KEY = re.compile("[0-9a-f]{16}")
"""The form of `_key`; checked because an untrusted run may name a key, such as `../elsewhere`."""

SECONDS = 300
"""Time limit of the compiler and of the trial."""


class Unusable(Exception):
    """The kernels cannot be used; the message says why in one line."""


@dataclass(frozen=True)
class Library:
    """A loaded library of kernels.

    Attributes:
        key: hash of sources and build environment; part of the FFI names.
        compiler: first line of its version.
        flags: of the compiler.
        vector_width: float32 values per vector register.
    """

    key: str
    compiler: str
    flags: str
    vector_width: int


@lru_cache
def kernels(folder: Path, key: str | None = None) -> Library | None:
    """Loads the kernels for this machine; builds them first if they are not cached.

    Args:
        folder: cache of built kernels.
        key: of the library to load if it is cached; by default, and otherwise, that of the present sources. It may come
            from an untrusted run.

    Returns:
        The library; None if it cannot be built or loaded, after logging why in one line.
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
    """Creates the folder. Its files are executed, so no other user may be able to write there.

    Raises:
        Unusable: other users can write to it.
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
        Unusable: there is no such command.
    """
    command = tuple(shlex.split(os.environ.get("CXX") or "c++"))
    if not command or shutil.which(command[0]) is None:
        raise Unusable(f"there is no C++ compiler {' '.join(command)}; install g++ or clang++, or set CXX")
    return command


def _key(compiler: tuple[str, ...]) -> str:
    """A hash of sources, compiler, flags, processor, and the version of jaxlib."""
    parts = [file.name.encode() + file.read_bytes() for file in _files()]
    words = [_about(compiler), *FLAGS, _processor(), version("jaxlib"), sys.platform]
    return hashlib.sha256(b"\0".join([*parts, *map(str.encode, words)])).hexdigest()[:16]


def _files() -> list[Path]:
    return sorted(file for file in SOURCES.iterdir() if file.suffix in (".cc", ".h"))


def _about(compiler: tuple[str, ...]) -> str:
    """The first line of `--version` of a compiler."""
    return _run([*compiler, "--version"]).partition("\n")[0]


TELLING = ("flags", "model name", "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part")
"""Lines of /proc/cpuinfo that identify a processor: the first two on x86, the others on ARM."""


def _processor() -> str:
    """A description of the processor, on which `-march=native` depends."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return "\n".join(sorted({line for line in lines if line.startswith(TELLING)}))


def _build(compiler: tuple[str, ...], folder: Path, key: str) -> None:
    """Compiles a library and runs its trial; it gets its final name only after that.

    Raises:
        Unusable: it did not compile, or its results differ from XLA's.
    """
    log.info("building kernels for this machine, once")
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        _compile(compiler, part / BINARY)
        width = _run([sys.executable, "-m", f"{PACKAGE.name}.operations.trial", str(part / BINARY)]).split()[-1]
        library = Library(key, _about(compiler), " ".join(FLAGS), int(width))
        (part / ABOUT).write_text(dumps(asdict(library)) + "\n")
        part.rename(folder / key)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _compile(compiler: tuple[str, ...], binary: Path) -> None:
    """Compiles the files side by side and links them.

    Raises:
        Unusable: one of them did not compile.
    """
    sources = [file for file in _files() if file.suffix == ".cc"]
    with tempfile.TemporaryDirectory(dir=binary.parent) as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = [str(Path(folder) / f"{source.stem}.o") for source in sources]
        command = [*compiler, *FLAGS, "-isystem", jax.ffi.include_dir(), "-c"]
        list(pool.map(lambda source, made: _run([*command, str(source), "-o", made]), sources, objects))
        _run([*compiler, *FLAGS, "-shared", *objects, "-o", str(binary)])


def _run(command: list[str]) -> str:
    """The output of a command.

    Raises:
        Unusable: the command failed.
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
    """Loads a built library and registers it with XLA.

    Raises:
        Unusable: it is damaged, or other users could have written it.
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
"""Registered keys; XLA does not accept a name twice."""


def register(binary: Path, key: str) -> int:
    """Registers the kernels of a shared library with XLA.

    Returns:
        The vector width.

    Raises:
        Unusable: a kernel is missing.
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
