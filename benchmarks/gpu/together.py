"""How many training runs at once fill a device best: one, two or four processes that train for a moment."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

PROGRAM = """
import sys, time
from benchmarks.noise import noise_engine
from src.studies.timing import training_dispatch
seconds, (side, examples), arguments = float(sys.argv[1]), map(int, sys.argv[2:4]), sys.argv[4:]
run = noise_engine(*arguments, side=side, classes=10, examples=examples)
work = training_dispatch(run, max(1, 10 // run.steps_per_dispatch))
work()
print("ready", flush=True)
while sys.stdin.readline():
    began, rounds = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        rounds += 1
    print(rounds * 10 / (time.perf_counter() - began), flush=True)
"""
"""Says that it is ready; then, for every line that it is given, how many steps a second it took for a while."""


def rates(
    counts: Sequence[int], arguments: Sequence[str], *, side: int, examples: int, seconds: float
) -> dict[int, float]:
    """Steps a second of all processes together, by how many there are.

    Args:
        counts: numbers of processes.
        arguments: of `python -m src.train`.
        side: of random images, in pixels.
        examples: how many.
        seconds: that each of them is timed for.
    """
    command = [sys.executable, "-c", PROGRAM, str(seconds), str(side), str(examples), *arguments]
    with ExitStack() as running:
        processes = []
        for _ in range(max(counts)):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.append(running.enter_context(process))
            running.callback(process.kill)
            answer(process)  # the first one compiles, and the others find what it compiled
        found = {}
        for count in counts:
            for process in processes[:count]:
                assert process.stdin is not None
                print("go", file=process.stdin, flush=True)
            found[count] = sum(float(answer(process)) for process in processes[:count])
    return found


def answer(process: subprocess.Popen[str]) -> str:
    """The next line of a process."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a process ended before it was timed"
    return line


def best(rates: dict[int, float]) -> int:
    """The number of processes that is worth it: each further one has to bring a tenth more."""
    chosen = min(rates)
    for count in sorted(rates):
        if rates[count] > 1.1 * rates[chosen]:
            chosen = count
    return chosen
