"""Boxes in images."""

import numpy as np

from src.plots.detections import CROWDED, RIGHT, Mark, Scene, scenes_figure


def test_boxes_bear_their_words_where_there_is_room():
    image = np.zeros((20, 20, 3), np.uint8)
    few, many = (Scene(image, [Mark((2, 2, 9, 9), "disk", RIGHT)] * count) for count in (CROWDED, CROWDED + 1))
    one, other = scenes_figure({"all found": [few, many]}).axes
    assert [len(axis.patches) for axis in (one, other)] == [CROWDED, CROWDED + 1]
    assert [len(axis.texts) for axis in (one, other)] == [CROWDED, 0]
