"""The plain loops by both compilers, under sanitizers, and for other vectors than this machine's."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from src.operations.library import SOURCES

PROGRAM = Path(__file__).parent / "fuzz.cc"
LOOPS = [str(file) for file in sorted(SOURCES.glob("*.cc")) if file.name != "ffi.cc"]
CALLS = "25"
FLAGS = ("-std=c++17", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{SOURCES}")
KINDS = {
    "addresses": ("-O1", "-g", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "threads": ("-O1", "-g", "-march=native", "-fsanitize=thread"),
    "optimized": ("-O3", "-march=native"),
    "AVX2": ("-O3", "-mavx2", "-mfma"),
    "SSE": ("-O3",),
}
X86 = platform.machine() in ("x86_64", "AMD64")
HERE = [kind for kind in KINDS if X86 or kind not in ("AVX2", "SSE")]
BY_GCC, BY_CLANG = ("addresses", "AVX2"), ("optimized",)
"""The kinds that CI builds by each compiler."""


def needs(*programs):
    """Skips where a second compiler is missing; without the first one, tests of kernels fail."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def fuzz(program, compiler, *flags, emulator=()):
    """Compiles, and calls random convolutions."""
    subprocess.run([compiler, *FLAGS, *flags, str(PROGRAM), *LOOPS, "-o", str(program)], check=True)
    done = subprocess.run([*emulator, str(program), "1", CALLS], capture_output=True, text=True)
    assert done.stdout == f"{CALLS}\n", done.stdout + done.stderr[-3000:]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "kind", [kind if kind in BY_GCC else pytest.param(kind, marks=pytest.mark.slow) for kind in HERE]
)
def test_random_convolutions(kind, tmp_path):
    fuzz(tmp_path / "fuzz", "c++", *KINDS[kind])


@needs("clang++")
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=getattr(pytest.mark, "heavy" if kind in BY_CLANG else "slow")) for kind in HERE],
)
def test_random_convolutions_by_clang(kind, tmp_path):
    fuzz(tmp_path / "fuzz", "clang++", *KINDS[kind])


@pytest.mark.heavy
@needs("aarch64-linux-gnu-g++", "qemu-aarch64-static")
def test_random_convolutions_by_neon(tmp_path):
    """Built for ARM, and run by an emulator."""
    fuzz(tmp_path / "fuzz", "aarch64-linux-gnu-g++", "-O3", "-static", emulator=["qemu-aarch64-static"])
