"""The middle of the surfaces of Li et al. is the test error that they published; skipped where the weights are not."""

import jax
import pytest

from experiments.loss_surface import SurfaceScale
from src.landscape.objective import split_objective
from src.studies.settings import StudySettings, read_study
from tests.conftest import LI

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not LI.exists(), reason="the weights of Li et al. are not here"),
]


def test_the_middle_of_the_published_networks_is_their_published_error(monkeypatch):
    monkeypatch.chdir(LI.parents[1])
    scale = read_study(StudySettings[SurfaceScale], "loss_surface", ["scales.li.images=null"]).scales["li"]
    for network, settings in zip(scale.trained_networks(), scale.networks, strict=True):
        objective = split_objective(network.module, network.task, network.splits)
        measured = jax.jit(objective.measure)(objective.parameters, objective.data)
        accuracy = objective.summary(jax.device_get(measured))["test_accuracy"]
        assert round(100 * (1 - accuracy), 2) == settings.published
