"""docs/architecture.md: every name is in its file, and what it shows as new works."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text()
FILES = dict(re.findall(r"^`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def test_there_are_at_most_fifteen_hops_and_each_is_where_it_is_said_to_be():
    hops = re.findall(r"^\| (\d+) \| .* \| `(\w+)` in `([\w/.]+)` \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _, _ in hops] == list(range(1, len(hops) + 1))
    assert 10 < len(hops) <= 15
    for _, name, path in hops:
        assert re.search(rf"^\s*(?:def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE), (name, path)


def test_every_file_that_is_named_is_there():
    named = set(re.findall(r"`((?:src|conf|experiments)/[\w/]+\.(?:py|yaml))`", PAGE))
    assert len(named) > 15
    assert not [path for path in named if "NAME" not in path and path not in FILES and not (ROOT / path).exists()]


@pytest.mark.heavy
def test_a_network_data_set_task_and_optimizer_of_ones_own_are_trained(tmp_path):
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (line,) = re.findall(r"^python -m (src\.train --config-dir .*)$", PAGE, re.MULTILINE)
    command = [sys.executable, "-m", *line.split(), "hydra.run.dir=run", "tracking.tensorboard=false"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run/results.json").read_text())["test_loss"] < 0.01


@pytest.mark.heavy
def test_the_study_of_the_page_compares_its_variants(tmp_path):
    (tmp_path / "study.py").write_text(FILES["study.py"])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "study.py"], cwd=tmp_path, capture_output=True, text=True, env=environment, check=True
    )
    assert len(json.loads(done.stdout.splitlines()[-1])) == 2
