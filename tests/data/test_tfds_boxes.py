"""Sets of TFDS with VOC's features."""

import numpy as np
import pytest
from tensorflow_datasets.core import constants

from src.config.errors import UserError
from tests.conftest import forget_data
from tests.data.voc_set import write_voc

OBJECTS = [((0.25, 0.5, 0.75, 1.0), 1, False), ((0.0, 0.0, 0.5, 0.25), 2, True)]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DATA_DIR", str(tmp_path))  # it was read from the environment long ago
    forget_data()
    return tmp_path


def read(compose, *arguments):
    return compose("data=tfds_boxes", "data.name=voc_like", "data.image_size=16", *arguments).dataset()


def test_a_set_like_voc_is_read_by_name(home, compose):
    flat = ((0.5, 0.5, 0.5, 0.75), 0, False)
    write_voc(home, {"train": [(20, 40, OBJECTS), (30, 30, [flat]), (16, 24, [])], "validation": [(20, 20, OBJECTS)],
                     "test": [(10, 20, OBJECTS[:1])]})  # fmt: skip
    found = read(compose)
    assert found.spec.class_names == ("bird", "boat", "cat")
    assert (found.spec.train, found.spec.validation, found.spec.test, found.spec.shape) == (3, 1, 1, (16, 16, 3))
    assert found.notes == ("boxes without area, left out: 1 (train 1)",)
    own = found.validation.targets
    np.testing.assert_allclose(own["box"][0], [[4, 8, 12, 16], [0, 0, 8, 4]])
    assert own["box_label"][0].tolist() == [1, 2]
    assert (own["box_present"][0].tolist(), own["box_difficult"][0].tolist()) == ([True, True], [False, True])
    assert sorted(found.train.targets["box_present"].sum(1).tolist()) == [0, 0, 2]


def test_a_test_split_whose_boxes_are_kept_back_is_none(home, compose):
    write_voc(home, {"train": [(20, 40, OBJECTS)] * 4, "validation": [(20, 20, OBJECTS)], "test": [(10, 20, [])]})
    spec = read(compose).spec
    assert (spec.train, spec.validation, spec.test) == (4, 0, 1)


def test_what_is_not_prepared_or_has_no_boxes_is_one_line(home, compose):
    with pytest.raises(UserError, match=r"data.name=mnist is not prepared in .*; prepare it where"):
        compose("data=tfds_boxes", "data.name=mnist").dataset()
    from tests.data.test_sources import write_tfds

    write_tfds(home, "shapes", 6)
    with pytest.raises(UserError, match=r"data.name=shapes has no training split of images with objects"):
        compose("data=tfds_boxes", "data.name=shapes").dataset()
