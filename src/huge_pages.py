"""Memory in large pages: on two CPU cores they make a training step of ResNet-20 about a seventh faster.

Layout changes between convolutions stride through memory, and with pages of 4 KiB nearly every access misses the
translation buffer. The C library reads its tunables once, when a process starts, so this one has to be started again.
"""

import os
import sys

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb"


def restart_with_huge_pages() -> None:
    """Starts this process again with huge pages, on Linux and unless its user has chosen already.

    It has to come before anything heavy is imported, and only from a program's own first lines.
    """
    chosen = os.environ.get(TUNABLES, "")
    if sys.platform != "linux" or HUGE_PAGES in chosen:
        return
    os.environ[TUNABLES] = ":".join(filter(None, [chosen, f"{HUGE_PAGES}=1"]))
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
