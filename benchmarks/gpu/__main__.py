"""Measurements that need a GPU: `make gpu`, or `python -m benchmarks.gpu seconds=570 steps switches`.

`scale=.01` rehearses it, on CPUs too, with a hundredth of the work. docs/gpu.md says what is measured.
"""

import os
import sys
from pathlib import Path

import jax

from benchmarks.gpu import wanted
from benchmarks.gpu.page import draw, scales, write_page
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.rows import Place, Row
from benchmarks.gpu.work import check_time, work_off
from benchmarks.measure import device_folder
from src.config.errors import UserError, reported, say
from src.data.cache import cache_home
from src.lock import locked
from src.runs.files import check_ours
from src.studies.output import FIGURES, RESULTS, arguments, named_output
from src.training.interruption import resumable

NAME = "gpu"
PAGE = Path("docs/gpu.md")
PREPARE = "python -m src.train +experiment=resnet20 dry_run=true prepares it where there is a network"


def main() -> None:
    """Measures the parts of the command line, or all, and rewrites the page."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the GPU is for the processes that measure
    with reported(), resumable():
        asked = wanted.read(arguments(), tuple(PARTS))
        check_device(asked.scale)
        output = named_output()
        root = (output or (RESULTS if asked.scale == 1 else FIGURES)) / NAME
        check_root(root)
        runs = Path("runs") / NAME if root == RESULTS / NAME else root / "runs"
        place = Place(root / device_folder(), runs / device_folder(), asked.scale)
        rows = [row for part in asked.parts for row in PARTS[part].rows]
        rows = with_data(rows, place)
        check_time(rows, place, asked.seconds)
        page = PAGE if root == RESULTS / NAME else root / PAGE.name
        place.runs.mkdir(parents=True, exist_ok=True)
        with locked(place.runs / ".lock", of=place.results, wait=False):
            try:
                succeeded = work_off(rows, place, asked.seconds)
            finally:
                draw(place)
                write_page(root, page)
        say(f"{page} tells what is there, and what comes next")
        if not succeeded:
            sys.exit(1)


def check_device(scale: float) -> None:
    """Refuses to measure on a CPU unless it is a rehearsal.

    Raises:
        UserError: there is none.
    """
    platform = jax.default_backend()
    if scale == 1 and platform != "gpu":
        raise UserError(f"JAX sees no GPU here ({platform}); make gpu SCALE=.01 rehearses what it would measure")


def check_root(root: Path) -> None:
    """Refuses a folder with files of others.

    Raises:
        UserError: the folder has other files.
    """
    ours = any(scales(root)) or any(root.glob("runs/*/.lock"))
    check_ours(root, ours=ours, instead="name another folder: output=FOLDER")


def with_data(rows: list[Row], place: Place) -> list[Row]:
    """The rows whose data are available: recipes train on CIFAR-10, all others on random images."""
    here = (cache_home() / "cifar10-original").is_dir()
    if here or place.scale < 1 or not any(row.goes_on and not place.measured(row) for row in rows):
        return rows
    say(f"recipes are left out, for CIFAR-10 is not in {cache_home()}; {PREPARE}")
    return [row for row in rows if not row.goes_on]


if __name__ == "__main__":
    main()
