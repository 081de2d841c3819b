"""The plain loops under sanitizers, and for narrower vectors than this machine's."""

import platform
import subprocess
from pathlib import Path

import pytest

from src.operations.library import SOURCES

PROGRAM = Path(__file__).parent / "fuzz.cc"
LOOPS = [str(file) for file in sorted(SOURCES.glob("*.cc")) if file.name != "ffi.cc"]
FLAGS = ("-std=c++17", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{SOURCES}")
KINDS = {
    "addresses": ("-O1", "-g", "-march=native", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "threads": ("-O1", "-g", "-march=native", "-fsanitize=thread"),
    "optimized": ("-O3", "-march=native"),
    "AVX2": ("-O3", "-mavx2", "-mfma"),
    "SSE": ("-O3",),
}
X86 = platform.machine() in ("x86_64", "AMD64")


@pytest.mark.heavy
@pytest.mark.parametrize("kind", [kind for kind in KINDS if X86 or kind not in ("AVX2", "SSE")])
def test_random_convolutions(kind, tmp_path):
    program = tmp_path / "fuzz"
    subprocess.run(["c++", *FLAGS, *KINDS[kind], str(PROGRAM), *LOOPS, "-o", str(program)], check=True)
    done = subprocess.run([str(program), "1", "60"], capture_output=True, text=True)
    assert done.stdout == "60\n", done.stdout + done.stderr[-3000:]
