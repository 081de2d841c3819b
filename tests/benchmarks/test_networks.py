"""Networks that are compared with PyTorch's are the same networks."""

import pytest

from benchmarks.engines import run_settings_of
from src.models.summary import model_layers

pytest.importorskip("torch", reason="PyTorch is not installed")

from benchmarks.torch_networks import NETWORKS, resnet50


def parameters(net):
    return sum(values.numel() for values in net.parameters())


def ours(arguments, shape, outputs):
    settings = run_settings_of(*arguments)
    return sum(row.parameters for row in model_layers(settings.model, shape, outputs))


@pytest.mark.parametrize("experiment", NETWORKS)
def test_networks_for_small_images_have_as_many_parameters_as_ours(experiment):
    assert parameters(NETWORKS[experiment]()) == ours([f"+experiment={experiment}"], (32, 32, 3), 10)


def test_resnet50_has_as_many_parameters_as_ours():
    assert parameters(resnet50()) == ours(["model=resnet50"], (224, 224, 3), 1000) == 25_557_032
