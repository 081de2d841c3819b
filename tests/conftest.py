"""Shared fixtures. Tests see eight CPU devices, so that placement over several is real."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax
import pytest

from src.data import dataset
from src.data.cache import cache_home
from src.start import collect_garbage_seldom, configure_xla
from src.training.process import cache_programs
from tests.small import STACK

# LLVM's first level compiles random numbers in a quarter of the time, and to the same bits; without XLA's newer way
# to write loops, training steps are compiled in three quarters of the time
QUICKLY_COMPILED = "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICKLY_COMPILED}"
configure_xla()  # as every command does
collect_garbage_seldom()
cache_programs()  # a third of the time of all tests would be spent in compilers
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_platforms", "cpu")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LI = next(filter(Path.exists, (folder / "data/li2018" for folder in (ROOT, SHARED))), ROOT / "data/li2018")
"""The weights of Li et al. 2018 (docs/surfaces.md)."""


def forget_data():
    """Lets data sets be read again, as in another process."""
    dataset.load_dataset.cache_clear()
    dataset._read.cache_clear()
    dataset._checksum.cache_clear()


def empty_cache(folder):
    """A cache without data. Kernels and programs take long to compile, so they are those of all tests."""
    folder.mkdir()
    for name in ("kernels", "compiled"):
        compiled = cache_home() / name
        compiled.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).symlink_to(compiled)
    return folder


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Makes the tested process, and those that it starts, keep data in an empty folder."""
    cache = empty_cache(tmp_path / "cache")
    monkeypatch.setenv("CONVNETS_CACHE", str(cache))
    return cache


@pytest.fixture
def command(tmp_path):
    """Runs a module of the project as a user would, with run directories in a folder of the test's own."""

    def run(module, *arguments, check=True, **environment):
        if module == "src.train":
            arguments = (
                *arguments,
                f"hydra.run.dir={tmp_path}/runs/${{run_name:}}",
                f"hydra.sweep.dir={tmp_path}/runs",
            )
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def refused(monkeypatch, capsys):
    """Calls a command that cannot begin, in this process, which saves seconds: its code, and the one line it says.

    Commands that configure logging for their whole process, as train and search do, need one of their own.
    """

    def call(program, *arguments):
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr("sys.argv", [program.__name__, *arguments])
        with pytest.raises(SystemExit) as stop:
            program.main()
        (line,) = capsys.readouterr().err.splitlines()
        return stop.value.code, line

    return call


@pytest.fixture(scope="session")
def compose():
    """Composes and checks a command line of `src.train` without running it; once for equal ones."""
    from src.training.from_hydra import compose_runs, run_settings

    @cache
    def settings(*arguments):
        (job,) = compose_runs("train", list(arguments))
        return run_settings(job)

    return settings


@pytest.fixture(scope="session")
def engine(compose):
    """Builds the engine of a small run on digits, for one command line."""
    from src.training.engine import Engine

    def build(*arguments, model=STACK):
        return Engine(
            compose(*model, "data.augment.crop=1", "train.duration=20steps", "data.batch_size=40", *arguments)
        )

    return build
