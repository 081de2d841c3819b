"""Where examples come from."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from src.config.errors import UserError
from src.data import imdb
from src.data.examples import Examples, SourceError, canonical_order, checksum, labelled
from src.data.resize import shrink, to_square
from src.data.texts import Texts


def write_tfds(root, name, count):
    """A prepared TFDS directory, written without TensorFlow."""
    import io

    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.core.example_parser import tf_example_pb2

    directory = root / name / "1.0.0"
    directory.mkdir(parents=True)
    rng, splits = np.random.default_rng(0), []
    for split, size in (("train", count), ("test", count // 2)):
        file = directory / f"{name}-{split}.array_record-00000-of-00001"
        writer = ArrayRecordWriter(str(file), "group_size:1")
        for number in range(size):
            example = tf_example_pb2.Example()
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(buffer, "PNG")
            example.features.feature["image"].bytes_list.value.append(buffer.getvalue())
            example.features.feature["label"].int64_list.value.append(number % 3)
            writer.write(example.SerializeToString())
        writer.close()
        template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        splits.append(
            {
                "name": split,
                "shardLengths": [str(size)],
                "numBytes": str(file.stat().st_size),
                "filepathTemplate": template,
            }
        )
    info = {"name": name, "version": "1.0.0", "fileFormat": "array_record", "splits": splits}
    (directory / "dataset_info.json").write_text(json.dumps(info))
    core = "tensorflow_datasets.core.features"
    image = {"image": {"dtype": "uint8", "shape": {"dimensions": ["12", "12", "3"]}, "encodingFormat": "png"}}
    features = {
        "image": {"pythonClassName": f"{core}.image_feature.Image", **image},
        "label": {"pythonClassName": f"{core}.class_label_feature.ClassLabel", "classLabel": {"numClasses": "3"}},
    }
    (directory / "features.json").write_text(
        json.dumps({"pythonClassName": f"{core}.features_dict.FeaturesDict", "featuresDict": {"features": features}})
    )


@pytest.mark.heavy
def test_any_tfds_set_is_read_by_name_without_tensorflow(tmp_path, own_cache, command):
    write_tfds(tmp_path / "tfds", "shapes", 24)
    environment = {"TFDS_DATA_DIR": str(tmp_path / "tfds")}
    arguments = ("data=tfds", "data.name=shapes", "data.batch_size=8", "model=linear")
    shown = command("src.train", *arguments, "dry_run=true", **environment).stdout
    assert "shapes: 24 training, 0 validation and 12 test images of 12x12x3, 3 classes" in shown
    command("src.train", *arguments, "train.duration=2steps", "kernels=xla", **environment)
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "provenance.json").read_text())["examples_from"] == "tfds"


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("file", "kept", "flipped", "said"),
    [
        (
            "train.array_record-00000-of-00001",
            None,
            7,
            r"-train.array_record-00000-of-00001: record 7 cannot be read \(",
        ),
        (
            "test.array_record-00000-of-00001",
            2**16,
            None,
            r"-test.array_record-00000-of-00001: record 0 cannot be read ",
        ),
        ("dataset_info.json", 100, None, "data.name=shapes: what is prepared of it is damaged: "),
    ],
    ids=["flipped", "cut", "description"],
)
def test_damaged_files_are_named_with_the_record(tmp_path, own_cache, command, file, kept, flipped, said):
    write_tfds(tmp_path / "tfds", "shapes", 24)
    (path,) = (tmp_path / "tfds" / "shapes" / "1.0.0").glob(f"*{file}")
    content = bytearray(path.read_bytes()[:kept])
    if flipped is not None:
        content[[found.start() for found in re.finditer(b"IDAT", content)][flipped] + 20] ^= 1
    path.write_bytes(content)
    environment = {"TFDS_DATA_DIR": str(tmp_path / "tfds")}
    done = command("src.train", "data=tfds", "data.name=shapes", check=False, **environment)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cifar100", "make data NAME=cifar100"),
        ("cifar100", "(www.cs.toronto.edu cannot be reached: Connection refused; no package registry holds cifar100)"),
        ("svhn_cropped", "it is not known where the authors of svhn_cropped serve it"),
        ("mnist", "copies are only used where data.sha256 says what they should be"),
        ("fashion_mnst", "'fashion_mnist'?"),
        ("mnist:9.9.9", "cannot be loaded at version 9.9.9"),
        ("mnist/other", "BuilderConfig other not found"),
    ],
)
def test_what_cannot_be_had_names_the_ways_out(tmp_path, own_cache, command, name, said):
    nowhere = {"TFDS_DATA_DIR": str(tmp_path / "none"), "HTTP_PROXY": "http://127.0.0.1:1", "no_proxy": "none"}
    environment = {**nowhere, "HTTPS_PROXY": nowhere["HTTP_PROXY"]}
    done = command("src.train", "data=tfds", f"data.name={name}", check=False, **environment)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def unreachable(name):
    raise SourceError(f"{name} cannot be reached")


def test_a_mirror_with_other_bytes_is_refused(tmp_path, compose, monkeypatch):
    from src.data import tfds

    split = labelled(np.zeros((3, 32, 32, 3), np.uint8), np.zeros(3, np.int32))
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(tfds, "from_authors", unreachable)
    monkeypatch.setattr(tfds, "from_mirror", lambda name: Examples(split, split, ("a", "b")))
    with pytest.raises(UserError, match="SHA-256 differs"):
        compose("+experiment=resnet20").data.read()


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Puts splits of images in the place of a prepared TFDS directory, or of a mirror."""
    import tensorflow_datasets

    from src.data import tfds

    def unprepared(name):
        raise FileNotFoundError(name)

    def replace(source, splits):
        rows = {
            name: [
                {"image": image, "label": label}
                for image, label in zip(split.inputs, split.targets["label"], strict=True)
            ]
            for name, split in splits.items()
        }
        features = {"image": None, "label": SimpleNamespace(names=["a", "b", "c"])}
        info = SimpleNamespace(splits=rows, supervised_keys=None, features=features)
        monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(tfds, "prepared_info", unprepared if source == "mirror" else lambda name: info)
        monkeypatch.setattr(tensorflow_datasets, "data_source", lambda name, split, download: rows[split])
        if source == "mirror":
            examples = Examples(splits["train"], splits["test"], ("a", "b", "c"))
            monkeypatch.setattr(tfds, "from_authors", unreachable)
            monkeypatch.setattr(tfds, "from_mirror", lambda name: examples)

    return replace


def noise(count, label=0):
    images = np.random.default_rng(count).integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    return labelled(images, (label + np.arange(count)) % 3)


@pytest.mark.parametrize("source", ["TFDS", "mirror"])
def test_known_examples_are_verified_as_they_are_and_then_resized(compose, sources, source):
    train, test = canonical_order(noise(6)), canonical_order(noise(3))
    sources(source, {"train": train, "test": test})
    known = checksum(Examples(train, test, ("a", "b", "c")))
    found = compose("data=tfds", "data.name=shapes", f"data.sha256={known}", "data.image_size=6").data.read()
    expected = canonical_order(
        labelled(np.stack([to_square(image, 6) for image in train.inputs]), train.targets["label"])
    )
    np.testing.assert_array_equal(found.train.inputs, expected.inputs)
    np.testing.assert_array_equal(found.train.targets["label"], expected.targets["label"])
    assert found.test.inputs.shape == (3, 6, 6, 3)


UNLABELLED = {"test": labelled(noise(4).inputs, np.full(4, -1))}


@pytest.mark.parametrize("published", [{}, UNLABELLED], ids=["none", "unlabelled"])
def test_part_of_the_images_is_set_aside_where_no_test_split_has_labels(compose, sources, published):
    sources("TFDS", {"train": noise(10), **published})
    spec = compose("data=tfds", "data.name=shapes", "data.test_share=0.3", "data.batch_size=4").dataset().spec
    assert (spec.train, spec.test) == (7, 3)


def test_a_known_set_without_a_test_split_is_resized_too(compose, sources):
    train = canonical_order(noise(10))
    sources("TFDS", {"train": train})
    known = checksum(Examples(train, train[:0], ("a", "b", "c")))
    found = compose("data=tfds", "data.name=shapes", f"data.sha256={known}", "data.image_size=6").data.read()
    assert (found.train.inputs.shape, found.test.inputs.shape) == ((8, 6, 6, 3), (2, 6, 6, 3))


def test_a_labelled_split_stands_in_for_an_unlabelled_one(compose, sources):
    sources("TFDS", {"train": noise(10), **UNLABELLED, "validation": noise(5)})
    found = compose("data=tfds", "data.name=shapes").data.read()
    assert (len(found.train), len(found.test), int(found.test.targets["label"].min())) == (10, 5, 0)


def reviews(labels):
    """Reviews of ninety words whose last ones agree with their label, each with a number of its own."""
    said = {0: "Dull, dull film!", 1: "A fine -- truly FINE -- film."}
    return Texts([f"{'really ' * 85} {number} {said[label]}" for number, label in enumerate(labels)], np.array(labels))


@pytest.mark.heavy
def test_reviews_of_a_mirror_are_trained_on(tmp_path, own_cache, monkeypatch, compose):
    from src.training.engine import Engine

    parts = reviews([0, 1] * 30), reviews([1, 0] * 10)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(imdb, "fetched", lambda name, fetch: parts)
    small = ("data.vocabulary=20", "data.length=60", "data.validation=20", "data.batch_size=20", "data.sha256=null")
    settings = compose("+experiment=imdb_conv1d", *small, "train.duration=15epochs", "optimizer.learning_rate=0.01")
    run = Engine(settings)
    dataset = run.dataset
    assert (dataset.spec.train, dataset.spec.validation, dataset.spec.test) == (40, 20, 20)
    assert dataset.train.inputs.shape == (40, 60)
    assert dataset.train.inputs[0].max() < 20
    state, sums = run.init_snapshot()
    for stop in run.plan.dispatch_boundaries(0, 1):
        state, sums = run.advance(state, sums, run.order((stop - 1) * 20 // 40), stop)
    assert run.evaluate(state, "test")["accuracy"] == 1


def test_other_reviews_than_the_published_are_refused(tmp_path, monkeypatch, compose):
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(imdb, "fetched", lambda name, fetch: (reviews([0, 1]), reviews([1, 0])))
    with pytest.raises(UserError, match=r"reviews from its package mirror are not the published .* data.sha256=null"):
        compose("data=imdb", "model=text_conv1d").data.read()


def test_texts_are_neither_normalized_nor_augmented(compose):
    with pytest.raises(UserError, match=r"data\.normalize=channel: .*'none'"):
        compose("data=imdb", "model=text_conv1d", "data.normalize=channel")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "sizes", "shape"),
    [
        ("cifar10", (45_000, 5_000, 10_000), (32, 32, 3)),
        ("mnist", (50_000, 10_000, 10_000), (28, 28, 1)),
        ("fashion_mnist", (55_000, 5_000, 10_000), (28, 28, 1)),
        ("imdb", (20_000, 5_000, 25_000), (500,)),
    ],
)
def test_mirrors_hold_the_published_examples(tmp_path, monkeypatch, compose, name, sizes, shape):
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("src.data.tfds.from_authors", unreachable)
    spec = compose(f"data={name}").dataset().spec
    assert ((spec.train, spec.validation, spec.test), spec.shape) == (sizes, shape)


def test_images_are_shrunk_by_averaging():
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    small = shrink(images, 2)
    assert small.shape == (2, 2, 2, 1)
    assert small[0, 0, 0, 0] == round(images[0, :2, :2].mean())
    assert shrink(images, 4) is images
    assert shrink(images, 3).shape == (2, 2, 2, 1)


def test_nothing_is_shrunk_to_no_pixels():
    assert shrink(np.zeros((2, 60, 3, 1), np.uint8), 10).shape == (2, 20, 1, 1)


def test_the_middle_of_an_oblong_image_is_kept():
    image = np.zeros((10, 30, 3), np.uint8)
    image[:, 10:20] = 255
    assert (to_square(image, 10) == 255).all()


@pytest.mark.parametrize(
    ("arguments", "always"),
    [(["data=digits"], "digits"), (["data=folder", "data.root=x"], "folder"), (["data=imdb"], "imdb_reviews")],
)
def test_a_name_that_chooses_no_examples_cannot_be_set(compose, arguments, always):
    assert compose(*arguments, f"data.name={always}").data.name == always
    with pytest.raises(UserError, match=rf"data.name=mnist: chooses no examples here and is always '{always}'; data="):
        compose(*arguments, "data.name=mnist")
