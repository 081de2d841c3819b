"""Start-up of every command, before heavy imports.

Importing JAX takes a second on a warm machine and up to a minute on a cold one. Meanwhile the terminal shows what the
command is waiting for, and Ctrl-C ends it with one line. Python's `KeyboardInterrupt` would not do that: JAX swallows
it inside its callbacks, and inside an import it prints a page of traceback.
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
"""`sys.argv[0]` while `python -m` locates its module and imports the packages around it."""

HELP = {"--help", "-h"}
HYDRA_HELPS = "train"
"""The command whose `--help` is Hydra's."""

YNN = "--xla_cpu_experimental_ynn_fusion_type"


def begin_program() -> None:
    """Prepares this process when Python is about to run a command of this package, not when the library is imported."""
    if sys.argv[0] == PROGRAM:
        begin(sys.orig_argv[sys.orig_argv.index(PROGRAM) + 1])


def begin(program: str) -> None:
    """Prepares this process; call it before all heavy imports.

    Args:
        program: the module that will run; `--help` prints its docstring.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # kept across the restart
    from .config.status import show_status  # these imports are slow enough for a Ctrl-C
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
    """The docstring of a module, read without importing it."""
    import ast  # slow to import

    found = find_spec(program)
    if found is not None and found.submodule_search_locations:
        found = find_spec(f"{program}.__main__")
    source = Path(found.origin).read_text() if found is not None and found.origin else ""
    return ast.get_docstring(ast.parse(source)) or ""


def configure_xla() -> None:
    """Makes XLA compute convolutions and sums on CPUs itself, and not by the library YNNPACK.

    YNNPACK takes a fifth longer for the small networks here. In its sums the maximum of NaN and 0 is 0, which hides
    that a network has overflowed: it seems to guess. A value that is already set in `XLA_FLAGS` is kept.
    """
    if YNN not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {YNN}=".strip()


def collect_garbage_seldom() -> None:
    """Runs the garbage collector less often, since tracing creates many objects, and not at exit.

    Otherwise it takes an eighth of the time of a short run.
    """
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)


def end_at_once(number: int, frame: FrameType | None, words: str = "") -> None:
    """Ends the process with one line. Files are written whole or not at all, so no partial file remains."""
    from .config.errors import SIGNALLED, say
    from .config.status import show_status

    show_status("")
    say(f"stopped by {signal.Signals(number).name}{words}")
    os._exit(SIGNALLED + number)
