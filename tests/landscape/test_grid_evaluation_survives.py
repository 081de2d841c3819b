"""Surveys whose process is killed or asked to stop go on to the bytes of one that was left alone."""

import json
import signal
import subprocess
import sys

import pytest

SURVEY = """
import sys, time
from pathlib import Path
import numpy as np
from src.landscape.surface import save
from src.landscape.grid_evaluation import evaluate_grid
from src.training.interruption import resumable

def measure(places):
    time.sleep(float(sys.argv[2]))
    print("measured", flush=True)
    return [{"loss": float(np.sin(place).sum())} for place in places]

with resumable():
    axes = [np.linspace(-1, 1, 5)] * 2
    name = sys.argv[1]
    order = range(25)  # one by one
    surface = evaluate_grid(measure, axes, title="q", identity={}, points=Path(f"{name}.jsonl"), order=order)
    save(surface, Path(f"{name}.npz"))
"""


@pytest.fixture
def begin(tmp_path, request):
    """Starts a survey in a process of its own."""

    def start(name, seconds="0"):
        environment = {"PYTHONPATH": str(request.config.rootpath), "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", SURVEY, name, seconds]
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


@pytest.mark.heavy
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_survey_that_is_stopped_ends_with_the_same_bytes(begin, tmp_path, number, code):
    process = begin("stopped", seconds="0.2")
    for _ in range(6):
        process.stdout.readline()
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code
    if number != signal.SIGKILL:
        assert "the same command goes on" in said
    kept = [json.loads(line) for line in (tmp_path / "stopped.jsonl").read_text().splitlines()[1:]]
    assert 5 <= len(kept) < 25
    rest, _ = begin("stopped").communicate()
    assert rest.count("measured") == 25 - len(kept)
    begin("whole").communicate()
    assert (tmp_path / "stopped.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
