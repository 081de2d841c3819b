"""docs/attribution.md: every name is in its file, and its example runs."""

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs/attribution.md").read_text()


def test_every_name_is_where_it_is_said_to_be():
    named = re.findall(r"`(\w+)` in `(src/[\w/.]+)`", PAGE)
    assert len(named) > 12
    for name, path in named:
        assert re.search(rf"^def {name}\b", (ROOT / path).read_text(), re.MULTILINE), (name, path)


@pytest.mark.heavy
def test_the_example_runs(command, tmp_path, monkeypatch, capsys):
    command("src.train", "model.depth=8", "train.duration=20steps", "tracking.tensorboard=false")
    (run,) = (tmp_path / "runs").glob("*/results.json")
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(ROOT)
    exec(code.replace("runs/…", str(run.parent)).replace("[:200]", "[:20]"), {})
    assert "head" in capsys.readouterr().out
