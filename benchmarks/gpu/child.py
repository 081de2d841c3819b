"""The process that measures and writes one row."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from benchmarks.gpu.parts import PARTS, row_of
from benchmarks.gpu.rows import Place
from src.config.errors import reported
from src.plain_json import dumps

PROGRAM = "from benchmarks.gpu.child import main; main()"


def command(part: str, name: str, place: Place, at_once: int) -> list[str]:
    """The command that starts it."""
    return [sys.executable, "-c", PROGRAM, dumps([part, name, [str(part) for part in place[:2]], place.scale, at_once])]


def main() -> None:
    """Measures the row of the command line."""
    part, name, (results, runs), scale, at_once = json.loads(sys.argv[1])
    place = Place(Path(results), Path(runs), scale)
    threading.Thread(target=end_with_parent, daemon=True).start()
    began = time.perf_counter()
    with reported():
        figures = PARTS[part].measure(name, place)
        place.write(row_of(part, name), figures=figures, at_once=at_once, seconds=time.perf_counter() - began)


def end_with_parent() -> None:
    """Interrupts this process when its parent has ended, which closes a pipe."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
