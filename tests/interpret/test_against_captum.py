"""Attributions beside Captum's, with the same weights and images; skipped where it is not installed.

Both compute in float64: in float32 rounding decides for some ReLUs of ResNet-56 whether they let a gradient through,
and PyTorch's gradient itself differs from JAX's by 2e-4. Differences are in units of the largest value of Captum's map.
"""

from functools import partial

import jax
import numpy as np
import pytest
from flax import nnx

from src.interpret.cams import grad_cam
from src.interpret.explained import scores
from src.interpret.gradients import gradient, gradient_x_input, integrated_gradients
from src.interpret.windows import occlusion
from src.models.convnet import ConvNetSettings
from src.models.resnet_cifar import CifarResNet
from src.pretrained import li2018
from src.pretrained.importer import TORCH, put_weights, read_arrays
from tests.conftest import LI

captum = pytest.importorskip("captum.attr", reason="Captum is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.heavy

nn = torch.nn
CLOSE = 1e-4
TARGETS = [3, 1, 0, 7]


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def convnet():
    """The chapter's ConvNet with random weights, there and here."""
    settings = ConvNetSettings(collect="flatten", filters=[8, 8, 16, 16, 16], batch_norm=False)
    ours = settings.build((32, 32, 3), 10, rngs=nnx.Rngs(0))
    relu, pool = nn.ReLU, partial(nn.MaxPool2d, 2)
    convs = [nn.Conv2d(*sides, 3) for sides in ((3, 8), (8, 8), (8, 16), (16, 16), (16, 16))]
    dense = [nn.Linear(144, 1024), nn.Linear(1024, 10)]
    theirs = nn.Sequential(
        *(convs[0], relu(), convs[1], relu(), pool(), convs[2], relu(), convs[3], relu(), pool(), convs[4], relu()),
        *(ChannelsLast(), dense[0], relu(), dense[1]),
    )
    layers = [ours.conv1, ours.conv2, ours.conv3, ours.conv4, ours.conv5, ours.dense, ours.head]
    for own, other in zip(layers, [*convs, *dense], strict=True):
        kernel = np.asarray(own.kernel[...])
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        other.weight.data = torch.tensor(np.ascontiguousarray(kernel))
        other.bias.data = torch.tensor(np.array(own.bias[...]))
    return ours, theirs.eval(), "conv5", convs[-1]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu1, self.relu2, self.plain = nn.ReLU(), nn.ReLU(), not shortcut
        new = stride > 1 and shortcut
        self.shortcut = nn.Sequential()
        if new:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y if self.plain else y + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet-56 by the names of Li et al."""

    def __init__(self, shortcut):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        inputs = 16
        for stage, outputs in enumerate((16, 32, 64)):
            blocks = []
            for number in range(9):
                blocks.append(Block(inputs, outputs, 2 if stage and not number else 1, shortcut))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


def resnet(name):
    """ResNet-56 with the weights of Li et al., there and here."""
    if not LI.exists():
        pytest.skip("the weights of Li et al. are not here")
    arrays = read_arrays(LI / f"{name}.npz")
    ours = CifarResNet(56, "B" if name == "resnet56" else "none", channels=3, outputs=10, rngs=nnx.Rngs(0))
    put_weights(ours, arrays, li2018.resnet(56), TORCH, None)
    theirs = ResNet(name == "resnet56")
    found = theirs.load_state_dict({key: torch.tensor(array) for key, array in arrays.items()}, strict=False)
    assert {key.rpartition(".")[2] for key in found.missing_keys} <= {"num_batches_tracked"}
    assert not found.unexpected_keys
    return ours, theirs.eval(), "blocks.26", theirs.layer3[8]


NETWORKS = {
    "ConvNet": convnet,
    "ResNet-56": partial(resnet, "resnet56"),
    "ResNet-56 without shortcuts": partial(resnet, "resnet56_noshort"),
}


@pytest.fixture(scope="module", autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module", params=NETWORKS)
def pair(request, float64):
    ours, theirs, layer, there = NETWORKS[request.param]()
    nnx.update(ours, jax.tree.map(lambda array: array.astype(np.float64), nnx.state(ours)))
    return ours, theirs.double(), layer, there


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(4, 32, 32, 3))


def beside(found, expected, name, record):
    """The largest difference, in units of the largest value."""
    expected = expected.detach().numpy()
    expected = expected.transpose(0, 2, 3, 1) if found.ndim == 4 else expected[:, 0]
    difference = abs(found - expected).max() / abs(expected).max()
    record(name, float(difference))
    print(f"{name}: {difference:.1e}")
    assert difference < CLOSE


def test_scores_are_equal(pair, images):
    ours, theirs, *_ = pair
    ours.eval()
    found = scores(ours, jax.numpy.asarray(images))
    expected = theirs(channels_first(images)).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=CLOSE * abs(expected).max())


def channels_first(images):
    return torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


METHODS = {
    "gradient": (gradient, lambda net: partial(captum.Saliency(net).attribute, abs=False)),
    "gradient x input": (gradient_x_input, lambda net: captum.InputXGradient(net).attribute),
    "guided": (partial(gradient, rule="guided"), lambda net: captum.GuidedBackprop(net).attribute),
    "deconvnet": (partial(gradient, rule="deconvnet"), lambda net: captum.Deconvolution(net).attribute),
    "integrated gradients": (
        partial(integrated_gradients, steps=50, baseline=0.1),
        lambda net: partial(captum.IntegratedGradients(net).attribute, n_steps=50, baselines=0.1),
    ),
    "occlusion": (
        partial(occlusion, window=8, stride=5, baseline=-0.2),
        lambda net: partial(
            captum.Occlusion(net).attribute,
            sliding_window_shapes=(3, 8, 8),
            strides=(3, 5, 5),
            baselines=-0.2,
            perturbations_per_eval=8,
        ),
    ),
}


@pytest.mark.filterwarnings("ignore:Setting (backward|forward), backward hooks and attributes on non-linear")
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
@pytest.mark.parametrize("name", METHODS)
def test_attributions_are_captums(name, pair, images, record_property):
    ours, theirs, *_ = pair
    method, peer = METHODS[name]
    x = channels_first(images).requires_grad_()
    beside(method(ours, images, TARGETS), peer(theirs)(x, target=torch.tensor(TARGETS)), name, record_property)


def test_grad_cam_is_captums(pair, images, record_property):
    ours, theirs, layer, there = pair
    cam = captum.LayerGradCam(theirs, there)
    maps = cam.attribute(channels_first(images), target=torch.tensor(TARGETS), relu_attributions=True)
    expected = captum.LayerAttribution.interpolate(maps, (32, 32), "bilinear")
    beside(grad_cam(ours, images, TARGETS, layer=layer), expected, "Grad-CAM", record_property)
