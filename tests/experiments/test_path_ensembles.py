"""What the study of paths makes of its measurements, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.path_ensembles import PathScale, check_modules, correlation, correlations, differences
from src.config.errors import UserError
from src.config.settings import read_settings
from src.studies.lesions import PlainLesions, ResidualLesions, carried, mean_length

RESIDUAL = ResidualLesions(
    whole=2.0,
    one_removed=[4.0, 6.0],
    halving=[1],
    removed=[(1, 4.0), (1, 6.0), (2, 50.0), (2, 60.0)],
    swapped=[(1.0, 2.0), (0.5, 20.0), (0.0, 30.0)],
    gradients=[4.0, 1.0, 2.0],
    measured_by=[],
)
PLAIN = PlainLesions(whole=1.0, one_removed=[4.0, 6.0], measured_by=[])


def test_a_length_carries_its_paths_times_their_gradient():
    """One path of length 0, two of length 1, one of length 2."""
    np.testing.assert_allclose(carried(RESIDUAL), [4 / 8, 2 / 8, 2 / 8])
    assert mean_length(RESIDUAL) == pytest.approx(0.75)


def test_paths_of_equal_gradient_have_half_the_modules_as_their_mean():
    assert mean_length(replace(RESIDUAL, gradients=[3.0] * 8)) == pytest.approx(3.5)


def test_the_criteria_are_differences_within_a_seed():
    both = [RESIDUAL, RESIDUAL]
    rise, length = differences(both, [replace(PLAIN, whole=2.0, one_removed=[90.0]), PLAIN]).values()
    removed, swapped = correlations(both).values()
    assert rise == [88 - 3, 4 - 3]
    assert removed == [correlation([(1, 4), (1, 6), (2, 50), (2, 60)])] * 2
    assert swapped == pytest.approx([1.0, 1.0])
    assert length == pytest.approx([0.25, 0.25])


@pytest.mark.parametrize(
    ("depth", "removed", "words"),
    [(14, 7, "removed names 7 modules, and the residual network has 6"), (8, 1, "no two of the 3 modules")],
)
def test_modules_are_counted_before_anything_is_trained(depth, removed, words):
    scale = {
        "common": [], "seeds": [0], "residual": ["model=resnet_preact", f"model.depth={depth}"], "plain": [],
        "learning_rates": [0.1], "removed": [1, removed], "swaps": [1], "draws": 1, "paths": 1, "batch_size": 8,
    }  # fmt: skip
    with pytest.raises(UserError, match=words):
        check_modules(read_settings(PathScale, scale))
