"""The lines of docs/surfaces.md: a surface of anyone's network and loss."""

import re

import numpy as np
import pytest

from tests.conftest import ROOT


@pytest.mark.heavy
def test_the_lines_of_the_page_draw_a_surface(tmp_path, monkeypatch):
    (block,) = [
        text
        for text in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "surfaces.md").read_text(), re.S)
        if "evaluate_grid" in text
    ]
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(block, names)
    surface = names["surface"]
    assert surface.shape == (11, 11)
    assert np.isfinite(surface.value("loss")).all()
    middle = surface.value("loss")[5, 5]
    expected = float(np.mean((names["network"](names["x"]) - names["y"]) ** 2))
    assert abs(middle - expected) < 1e-5
    assert (tmp_path / "surface.html").stat().st_size > 10_000
