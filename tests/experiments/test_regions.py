"""Regions of images: where they are, what is cut out, and what a classifier is taught about them."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import regions
from src.data.examples import Split
from src.detection.boxes import ious


def test_windows_are_squares_inside_the_image():
    found = regions.windows(40, 60)
    heights, widths = found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]
    np.testing.assert_allclose(heights, widths, rtol=1e-5)
    assert {round(float(side) / 40, 2) for side in heights} == set(regions.SIDES)
    assert found.min() == 0
    assert (found[:, 2].max(), found[:, 3].max()) <= (40 + 1e-4, 60 + 1e-4)
    assert len(np.unique(found, axis=0)) == len(found)


@pytest.mark.heavy
def test_a_region_of_the_crops_size_is_cut_out_as_it_is():
    image = np.random.default_rng(0).uniform(0, 255, (1, 20, 30, 3)).astype(np.float32)
    found = regions.cut(jnp.asarray(image), jnp.array([[[3.0, 4.0, 11.0, 12.0], [0.0, 0.0, 16.0, 16.0]]]), 8)
    np.testing.assert_allclose(found[0, 0], image[0, 3:11, 4:12], rtol=1e-4)
    halved = image[0, :16, :16].reshape(8, 2, 8, 2, 3).mean((1, 3))
    assert np.corrcoef(np.ravel(found[0, 1]), halved.ravel())[0, 1] > 0.9


def test_the_classifier_is_taught_what_overlaps_and_what_does_not():
    box = np.array([[[8, 8, 24, 24], [40, 40, 60, 60]]])
    targets = {"box": box, "box_label": np.array([[2, 1]]), "box_present": np.array([[True, False]])}
    windows = regions.windows(64, 64)
    chosen, labels = regions.training_regions(Split(np.zeros((1, 64, 64, 3), np.uint8), targets), windows, 4)
    shared = ious(chosen[0][:, None], box[0][None].astype(np.float32))[:, 0]
    assert sorted(set(labels[0].tolist())) == [2, 4]  # the absent object is none
    assert (labels[0] == 2).sum() == regions.EACH // 2
    assert shared[labels[0] == 2].min() >= regions.OBJECT
    assert shared[labels[0] == 4].max() <= regions.BACKGROUND


def test_what_a_network_costs_is_counted_for_every_region():
    from src.zoo.named import named_model

    once, many = (regions.cost(named_model("resnet", depth=8), (32, 32, 3), 5, times=times) for times in (1, 7))
    assert (many[0], many[1]) == (once[0], 7 * once[1])
    assert once[0] == pytest.approx(78_000, rel=0.05)
