from pathlib import Path

import jax
import numpy as np
import pytest

from src.config.errors import UserError
from src.interpret.templates import templates
from src.runs.directory import RunDirectory
from src.training.checkpoints import Checkpoints
from src.training.engine import Engine
from src.training.load_run import LoadedRun


@pytest.fixture
def untrained(compose):
    """A run that never took a step, which is as good for what holds of all weights."""

    def make(*arguments):
        engine = Engine(compose(*arguments))
        path = Path("runs/untrained")
        return LoadedRun(RunDirectory(path), engine, engine.init_state(), Checkpoints(path / "checkpoints", {}))

    return make


@pytest.mark.parametrize("normalize", ["pixel", "channel", "unit"])
def test_scores_on_plain_pixels_are_the_networks(untrained, normalize):
    run = untrained("model=linear", f"data.normalize={normalize}")
    images = run.engine.dataset.test.inputs[:5]
    data = run.engine.split("test")
    outputs = run.engine.network(*run.state.scored(), (images - data.constants.mean) / data.constants.std)
    found = templates(run)
    assert found.weights.shape == (10, 8, 8, 1)
    np.testing.assert_allclose([found.scores(image) for image in images], jax.device_get(outputs), atol=1e-5)


@pytest.mark.parametrize("model", ["model=dense", "model=resnet"])
def test_a_network_with_hidden_layers_has_no_templates(untrained, model):
    with pytest.raises(UserError, match="run=runs/untrained: only a linear network has one template a class"):
        templates(untrained(model))
