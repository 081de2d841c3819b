"""Runs a module of the project and kills the process, without any warning, at one exact moment.

    python -m tests.faulty before-rename PATTERN NUMBER MODULE [ARGUMENT ...]

Moments: `before-rename` and `after-rename` of the NUMBER-th path that matches PATTERN; `append`, in the middle of the
NUMBER-th line of the metrics; `before-open` of the NUMBER-th path that matches.
"""

import os
import re
import runpy
import signal
import sys


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_around(kind, event, pattern, number):
    """Kills when the number-th event on a matching path is announced, or at whatever happens right after it."""
    seen = 0

    def hook(name, arguments):
        nonlocal seen
        if seen == number and kind == "after":
            seen += 1  # dying is an event too
            die()
        if name == event:
            path = arguments[1] if event == "os.rename" else arguments[0]
            if re.search(pattern, str(path)):
                seen += 1
                if seen == number and kind == "before":
                    die()

    sys.addaudithook(hook)


def kill_in_append(number):
    """Kills when half of the number-th line is on disk."""
    from src.tracking.history import History

    whole, seen = History.write, 0

    def write(self, row):
        nonlocal seen
        seen += 1
        if seen == number:
            self._file.write('{"step": 1, "train_lo')
            self._file.flush()
            die()
        whole(self, row)

    History.write = write


def main():
    moment, pattern, number, module, *arguments = sys.argv[1:]
    kind, _, what = moment.partition("-")
    if moment == "append":
        kill_in_append(int(number))
    else:
        kill_around(kind, {"rename": "os.rename", "open": "open"}[what], pattern, int(number))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
