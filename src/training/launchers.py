"""Jobs side by side that do not end with each other: one that is killed is missing from the table, and no more.

Hydra's launchers give a whole sweep up when one of its processes is killed, for want of memory for instance: those of
joblib end together with it, and submitit's are not waited for. What they call at that point is replaced here.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import submitit
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra_plugins.hydra_joblib_launcher import _core as joblib_launcher
from joblib import effective_n_jobs
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor
from submitit.core.utils import UncompletedJobError

from ..config.errors import SIGNALLED, say
from ..config.streams import forgive_streams
from .interruption import Interruption, handled

Task = tuple[Callable[..., JobReturn], tuple[Any, ...], dict[str, Any]]
"""As joblib's `delayed` makes it: a function and its arguments, of which the first two are the job's number and
overrides."""

submitted = submitit.Job.results


@contextmanager
def jobs_apart() -> Iterator[None]:
    """Lets the launchers of joblib and submitit bring every job to its end, whatever becomes of the others."""
    with (
        patch.object(joblib_launcher, "Parallel", ProcessesApart),
        patch.object(submitit.Job, "results", results_or_nothing),
    ):
        yield


class ProcessesApart:
    """In place of joblib's `Parallel`: each task has a process of its own, which no other one waits for.

    Ctrl-C reaches all processes of a terminal: those that train save and end, and no others are begun.
    """

    def __init__(self, n_jobs: int, **others: Any) -> None:
        self.n_jobs = effective_n_jobs(n_jobs)

    def __call__(self, tasks: Iterable[Task]) -> list[JobReturn]:
        interruption = Interruption()
        with handled({signal.SIGINT: interruption.note}), ThreadPoolExecutor(self.n_jobs) as threads:
            returns = list(threads.map(partial(in_own_process, interruption), tasks))
        if interruption.signal is not None:
            say(f"stopped by {interruption.signal.name}; the same command goes on")
            raise SystemExit(SIGNALLED + interruption.signal)
        return returns


def in_own_process(interruption: Interruption, task: Task) -> JobReturn:
    """Runs a task to its end; what it has to say is in its directory."""
    if interruption.signal is not None:
        return nothing()
    try:
        with ProcessPoolExecutor(max_workers=1, initializer=forgive_streams) as process:
            return process.submit(task[0], *task[1], **task[2]).result()
    except BrokenProcessPool:
        say(f"error: the process of {' '.join(filter_overrides(task[1][1]))} was killed; the others go on")
    except SystemExit:  # stopped by a signal, and saved
        pass
    return nothing()


def results_or_nothing(job: "submitit.Job[JobReturn]") -> list[JobReturn]:
    """What a job of submitit came to; nothing of one that was killed."""
    try:
        return submitted(job)
    except UncompletedJobError as error:
        say(f"error: {' '.join(str(error).splitlines()[:2])}; the others go on")
        return [nothing()]


def nothing() -> JobReturn:
    """What Hydra takes for the end of a job; whether it is one is read off its directory."""
    return JobReturn(status=JobStatus.COMPLETED)
