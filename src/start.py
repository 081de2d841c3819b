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
from types import FrameType


def begin(*, hydra_helps: bool = False) -> None:
    """Prepares this process. It has to come before all heavy imports, and only from a program's own first lines.

    Args:
        hydra_helps: whether `--help` is left to Hydra; if not, it shows what stands at the head of the program.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # stays with the process while it is started again
    from src.config.status import show_status  # even these imports take long enough for a Ctrl-C
    from src.config.streams import forgive_streams
    from src.huge_pages import restart_with_huge_pages

    forgive_streams()
    if {"--help", "-h"} & {*sys.argv[1:]} and not hydra_helps:
        print(sys.modules["__main__"].__doc__)
        sys.exit()
    restart_with_huge_pages()
    collect_garbage_seldom()
    signal.signal(signal.SIGINT, end_at_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    show_status("importing JAX")


def collect_garbage_seldom() -> None:
    """Searches for cycles of objects less often, since tracing makes many objects, and not in what is left at the end.

    Both searches would be an eighth of a short run's time.
    """
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)


def end_at_once(number: int, frame: FrameType | None, words: str = "") -> None:
    """Ends the process with one line; files are written whole or not at all, so nothing is left half-made."""
    from src.config.errors import SIGNALLED, say
    from src.config.status import show_status

    show_status("")
    say(f"stopped by {signal.Signals(number).name}{words}")
    os._exit(SIGNALLED + number)
