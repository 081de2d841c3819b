"""Networks as functions of pixels, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from src.config.errors import UserError
from src.runs.directory import RunDirectory
from src.synthesis.classifier import of_run
from src.synthesis.gradient_sign import FGSM
from src.synthesis.robustness import Share, scores, successes, transfer
from src.training.checkpoints import Checkpoints
from src.training.engine import Engine
from src.training.load_run import LoadedRun
from tests.synthesis.made import SHAPE, grey, linear


@pytest.fixture
def untrained(compose):
    """A run that never took a step."""

    def make(*arguments):
        engine = Engine(compose(*arguments))
        path = Path("runs/untrained")
        return LoadedRun(RunDirectory(path), engine, engine.init_state(), Checkpoints(path / "checkpoints", {}))

    return make


@pytest.mark.heavy
@pytest.mark.parametrize("normalize", ["pixel", "channel", "unit", "none"])
def test_a_run_is_normalized_once(untrained, normalize):
    run = untrained("model=resnet", "model.depth=8", f"data.normalize={normalize}")
    images = run.engine.dataset.test.inputs[:5]
    np.testing.assert_allclose(jax.nn.softmax(scores(of_run(run), images)), run.predict(images), atol=1e-5)
    np.testing.assert_array_equal(scores(of_run(run), images), scores(of_run(run), images / np.float32(255)))


def test_a_run_on_texts_is_refused(untrained):
    run = untrained("model=linear")
    known = run.engine.preprocessing
    run.engine.preprocessing = known._replace(spec=replace(known.spec, shape=(56,)), constants=None)
    with pytest.raises(UserError, match="run=runs/untrained takes no images; the pixels of images are changed"):
        of_run(run)


@pytest.mark.heavy
def test_a_run_of_another_task_is_refused(untrained):
    run = untrained("+experiment=segmentation_shapes", "data.train=20", "data.validation=5", "data.batch_size=5")
    with pytest.raises(UserError, match="names no class of an image; a run of task=classification is attacked"):
        of_run(run)


def test_shares():
    found = Share.where(np.arange(10) < 3)
    assert (found.number, found.of, found.share) == (3, 10, 0.3)
    np.testing.assert_allclose(found.interval, (0.1078, 0.6032), atol=1e-4)  # Wilson's, by hand
    np.testing.assert_allclose(found.opposite().interval, Share.where(np.arange(10) < 7).interval, atol=1e-12)
    assert Share.where(np.zeros(0, bool)).interval == (0, 1)
    assert np.isnan(Share.where(np.zeros(0, bool)).share)


def test_what_turns_a_network_turns_its_copy_and_not_its_opposite():
    weights = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    source, pictures = linear(weights), grey(20)
    labels = scores(source, pictures).argmax(1)
    changed = FGSM()(source, pictures, labels, 0.3, jax.random.key(0))
    assert successes(FGSM(), source, pictures, labels, [0.3], jax.random.key(0))[0].number == 20
    copied = transfer(changed, pictures, labels, source, linear(2 * weights))
    assert (copied.number, copied.of) == (20, 20)
    assert transfer(changed, pictures, labels, source, linear(-weights)).of == 0
