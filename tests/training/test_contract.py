"""What moves and renames must not change, on any CPU (tests/fixtures/contract.json, made at commit 7e38a0d)."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import QUICKLY_COMPILED, ROOT

COMMITTED = json.loads((ROOT / "tests/fixtures/contract.json").read_text())


def measured(*arguments, flags):
    """What a process of its own measures: flags of XLA and double precision hold for a whole process."""
    command = [sys.executable, "-m", "tests.training.contract", *arguments]
    environment = {**os.environ, "XLA_FLAGS": flags}
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


@pytest.mark.heavy
def test_initial_parameters_order_pixels_and_learning_rates_are_equal_to_the_bit():
    """By XLA as users have it: other tests compile quickly, which rounds mixtures in another way."""
    assert measured(flags=os.environ["XLA_FLAGS"].replace(QUICKLY_COMPILED, "")) == COMMITTED["bits"]


@pytest.mark.heavy
def test_five_steps_in_double_precision_end_at_the_same_tensors():
    found = measured("float64", flags=os.environ["XLA_FLAGS"])
    for case, tensors in COMMITTED["float64"].items():
        assert found[case].keys() == tensors.keys()
        for name, (total, norm) in tensors.items():
            assert found[case][name] == pytest.approx([total, norm], rel=1e-10, abs=1e-10), (case, name)
