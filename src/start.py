"""How every command starts: before anything heavy is imported, so that its first second already behaves.

Importing JAX takes a second on a warm machine and up to a minute on a cold one. Meanwhile a person sees what is being
waited for, and Ctrl-C ends the command with one line. Python's `KeyboardInterrupt` would not do: raised inside a
callback of JAX it is swallowed, and raised inside an import it is a page of traceback.
"""

import atexit
import gc
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

PROGRAM = "-m"
"""The first argument while Python looks for the program of `python -m`, and imports the packages that it lies in."""

HELP = {"--help", "-h"}
HYDRA_HELPS = "train"
"""The program whose `--help` is Hydra's."""

YNN = "--xla_cpu_experimental_ynn_fusion_type"


def begin_program() -> None:
    """Prepares this process if Python is about to run a program of ours, not if the library is imported."""
    if sys.argv[0] == PROGRAM:
        begin(sys.orig_argv[sys.orig_argv.index(PROGRAM) + 1])


def begin(program: str) -> None:
    """Prepares this process. It has to come before all heavy imports.

    Args:
        program: the module that will run; `--help` shows what stands at its head.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # stays with the process while it is started again
    from .config.status import show_status  # even these imports take long enough for a Ctrl-C
    from .config.streams import forgive_streams
    from .huge_pages import restart_with_huge_pages

    forgive_streams()
    name = program.partition(".")[2]
    if HELP & {*sys.orig_argv} and name not in ("", HYDRA_HELPS, "__main__"):
        print(description(program))
        sys.exit()
    restart_with_huge_pages()
    configure_xla()
    collect_garbage_seldom()
    signal.signal(signal.SIGINT, end_at_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    show_status("importing JAX")


def description(program: str) -> str:
    """What stands at the head of a program, which is not imported for that."""
    import ast  # takes longer than all else here

    found = find_spec(program)
    if found is not None and found.submodule_search_locations:
        found = find_spec(f"{program}.__main__")
    source = Path(found.origin).read_text() if found is not None and found.origin else ""
    return ast.get_docstring(ast.parse(source)) or ""


def configure_xla() -> None:
    """Tells XLA to leave convolutions and sums on CPUs to its own operations, not to the library YNNPACK.

    Those of YNNPACK take a fifth longer for the small networks here, and its sums take the larger of NaN and 0 for 0,
    so that a network which overflowed seems only to guess. An option that is set in `XLA_FLAGS` already stays.
    """
    if YNN not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {YNN}=".strip()


def collect_garbage_seldom() -> None:
    """Searches for cycles of objects less often, since tracing makes many objects, and not in what is left at the end.

    Both searches would be an eighth of a short run's time.
    """
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)


def end_at_once(number: int, frame: FrameType | None, words: str = "") -> None:
    """Ends the process with one line; files are written whole or not at all, so nothing is left half-made."""
    from .config.errors import SIGNALLED, say
    from .config.status import show_status

    show_status("")
    say(f"stopped by {signal.Signals(number).name}{words}")
    os._exit(SIGNALLED + number)
