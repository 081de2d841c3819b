"""Weights from elsewhere: real ones on real images, and mistakes named by layer."""

import json

import jax
import numpy as np
import pytest
from flax import nnx
from PIL import Image
from safetensors.numpy import save_file

from src.config.errors import UserError
from src.models.mobilenet import MobileNet
from src.models.resnet_cifar import CifarResNet
from src.pretrained import keras, li2018
from src.pretrained.importer import KERAS, TORCH, put_weights, read_arrays
from tests.conftest import LI, SHARED

MOBILENET = SHARED / "data/mobilenet"
PETS = SHARED / "data/cats_and_dogs/validation"
# ImageNet's classes: 151 breeds and kinds of dogs begin at the Chihuahua, 5 of cats at the tabby.
SPECIES = {"dogs": range(151, 269), "cats": range(281, 286)}


def predictions(module, images, batch=100):
    module.eval()
    definition, state = nnx.split(module)
    classify = jax.jit(lambda state, x: nnx.merge(definition, state)(x).argmax(-1))
    return np.concatenate([np.asarray(classify(state, images[i : i + batch])) for i in range(0, len(images), batch)])


def middle(picture):
    """The largest square in the middle, 224 pixels wide."""
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    box = (left, top, left + side, top + side)
    return picture.resize((224, 224), Image.Resampling.BILINEAR, box=box)


def resnet(depth, shortcut):
    return CifarResNet(depth, shortcut, channels=3, outputs=10, rngs=nnx.Rngs(0))


@pytest.mark.skipif(not LI.exists(), reason="the weights of Li et al. are not here")
@pytest.mark.parametrize(
    ("name", "shortcut", "error"), [("resnet56", "B", 0.0634), ("resnet56_noshort", "none", 0.1331)]
)
def test_the_networks_of_li_et_al_score_what_they_published(compose, name, shortcut, error):
    """The whole test set gives 6.34 % and 13.31 %, to the digit; of 1,000 images, within the deviation of a sample."""
    test = compose("data=cifar10").dataset().test
    mean, std = np.float32([125.3, 123.0, 113.9]), np.float32([63.0, 62.1, 66.7])
    module = resnet(56, shortcut)
    put_weights(module, read_arrays(LI / f"{name}.npz"), li2018.resnet(56), TORCH, None)
    found = predictions(module, (test.inputs[:1000] - mean) / std)
    wrong = (found != test.targets["label"][:1000]).mean()
    assert abs(wrong - error) < 3 * np.sqrt(error * (1 - error) / 1000)


@pytest.mark.heavy
@pytest.mark.skipif(not MOBILENET.exists(), reason="the weights of MobileNet are not here")
def test_mobilenet_tells_cats_from_dogs():
    names = json.loads((MOBILENET / "imagenet_labels.json").read_text())
    assert names[151].startswith("Chihuahua")
    assert names[281].startswith("tabby")
    module = MobileNet(0.75, small=False, channels=3, outputs=1000, rngs=nnx.Rngs(0))
    arrays = read_arrays(MOBILENET / "mobilenet_v1_0.75_224.npz")
    slashed = {name.replace("|", "/"): array for name, array in arrays.items()}
    put_weights(module, slashed, keras.mobilenet(), KERAS, None)
    right = []
    for species, classes in SPECIES.items():
        files = sorted((PETS / species).glob("*.jpg"))[:150]
        pixels = np.stack([np.asarray(middle(Image.open(file).convert("RGB"))) for file in files])
        right += [found in classes for found in predictions(module, np.float32(pixels) / 127.5 - 1, batch=25)]
    assert np.mean(right) >= 0.8


def torch_state(module, layers):
    """A network's values as PyTorch would store them."""
    arrays = {}
    own = {"kernel": "weight", "scale": "weight", "mean": "running_mean", "var": "running_var"}
    for path, variable in nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat))):
        array = np.asarray(variable.get_value())
        if path[-1] == "kernel":
            array = array.transpose(array.ndim - 1, array.ndim - 2, *range(array.ndim - 2))
        arrays[f"{layers['.'.join(map(str, path[:-1]))]}.{own.get(path[-1], path[-1])}"] = array
    return arrays


@pytest.mark.heavy
def test_every_value_arrives_from_both_kinds_of_files(tmp_path):
    one = CifarResNet(8, "B", channels=3, outputs=10, rngs=nnx.Rngs(1))
    arrays = torch_state(one, li2018.resnet(8))
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **arrays, **{"bn1.num_batches_tracked": np.array(3)})
    x = jax.random.normal(jax.random.key(0), (2, 32, 32, 3))
    one.eval()
    for file in ("w.safetensors", "w.npz"):
        other = resnet(8, "B")
        put_weights(other, read_arrays(tmp_path / file), li2018.resnet(8), TORCH, None)
        other.eval()
        np.testing.assert_array_equal(other(x), one(x))


@pytest.mark.heavy
def test_weights_that_do_not_fit_are_one_line_that_names_the_layer(tmp_path):
    arrays = torch_state(resnet(8, "B"), li2018.resnet(8))
    cases = [
        (
            {"conv1.weight": np.zeros((16, 1, 3, 3))},
            r"layer stem\.conv: conv1\.weight has the shape \(3, 3, 1, 16\) where",
        ),
        ({"conv1.weight": None}, r"layer stem\.conv: the weights have no conv1\.weight; did you mean"),
        ({"extra.weight": np.zeros(3)}, r"no place for extra\.weight"),
    ]
    for change, said in cases:
        changed = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        untouched = resnet(8, "B")
        with pytest.raises(UserError, match=said):
            put_weights(untouched, changed, li2018.resnet(8), TORCH, None)
        jax.tree.map(np.testing.assert_array_equal, nnx.state(untouched), nnx.state(resnet(8, "B")))
    short = {ours: theirs for ours, theirs in li2018.resnet(8).items() if ours != "head"}
    with pytest.raises(UserError, match="the table of names has no layer head"):
        put_weights(resnet(8, "B"), arrays, short, TORCH, None)
    (tmp_path / "w.npz").write_bytes(b"no zip")
    np.save(tmp_path / "w.npy", np.zeros(3))
    for name in ("w.npz", "w.npy"):
        with pytest.raises(UserError, match=r"is no \.npz or \.safetensors file"):
            read_arrays(tmp_path / name)
