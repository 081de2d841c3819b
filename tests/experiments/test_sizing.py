from math import floor

import pytest

from experiments.sizing.__main__ import main, table
from experiments.sizing.chapter import SECTIONS
from experiments.sizing.errata import errata
from tests.conftest import ROOT

WRONG = {
    ("W=10, F=3, S=1", "sizing"),
    ("20 maps of 5x5 filters: D(FFD+1) + D", "sizing"),
    ("head on pooled features", "Fig. 17"),
    ("the factor", "Fig. 24"),
    ("width after 11x11, S=4, P=0 on 224", "Fig. 28"),
    ("multiplications, reduced", "Fig. 32b"),
    ("weights of all convolutions", "Inception"),
    ("ResNet's 152 layers over 22", "ResNet"),
    ("the factor", "Fig. 39a"),
}


@pytest.fixture(scope="module")
def examples():
    return [example for section in SECTIONS for example in section()]


@pytest.mark.heavy
def test_exactly_the_known_places_are_marked(examples):
    assert {(example.what, example.place) for example in examples if example.wrong} == WRONG
    lines = table(examples).splitlines()
    assert sum(line.endswith("  wrong") for line in lines) == len(WRONG)


@pytest.mark.heavy
def test_formulas_agree_with_real_layers(examples):
    for example in examples:
        expected = example.formula
        if example.place == "sizing" or example.place == "Fig. 28":
            expected = floor(expected)  # a layer rounds down
        assert example.layer in (None, expected), example


@pytest.mark.heavy
def test_the_program_prints_the_table_and_writes_the_page_in_the_repository(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["sizing"])
    main()
    assert (tmp_path / "docs/errata.md").read_text() == (ROOT / "docs/errata.md").read_text()
    assert f"{len(WRONG)} of " in capsys.readouterr().out


def test_every_known_error_is_listed_once():
    assert errata().count("\n- **") == 21
