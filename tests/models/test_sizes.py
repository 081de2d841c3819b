"""Networks for images say so when they are given texts."""

import pytest

from src.config.errors import UserError
from src.models.summary import model_layers
from src.zoo.named import named_model

NAMES = ("resnet", "resnet18", "resnet50_v2", "resnext50_32x4d", "resnet_preact", "wide_resnet", "mobilenet_v2")


@pytest.mark.parametrize("name", NAMES)
def test_a_network_for_images_takes_no_text(name):
    with pytest.raises(UserError, match=r"takes images, which have height, width and channels; here are \(200,\)"):
        model_layers(named_model(name), (200,), 2)
