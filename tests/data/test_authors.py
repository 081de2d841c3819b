"""Well-known sets as their authors serve them, and what is done where they cannot."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from src.config.errors import UserError
from src.data import published, tfds
from src.data.authors import AUTHORS, Served, from_authors
from src.data.examples import Examples, SourceError, canonical_order, checksum, labelled
from tests.data.server import serving

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (7, 28, 28), dtype=np.uint8)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    return tmp_path / "cache"


@pytest.mark.parametrize("name", AUTHORS)
def test_addresses_and_checksums_are_those_of_tfds(name):
    recorded = Path(find_spec("tensorflow_datasets").origin).parent / "url_checksums" / f"{name}.txt"
    theirs = {url: sha256 for url, _, sha256, _ in map(str.split, recorded.read_text().splitlines())}
    served = AUTHORS[name]
    assert {f"{served.address}/{file}": sha256 for file, sha256 in served.sha256.items()} == theirs


def archive(folder, members):
    """A `.tar.gz` in which all members lie in one folder."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def records(images, *label_bytes):
    """Images as in CIFAR's binary versions: bytes that say what they show, then the three colours one after another."""
    return b"".join(
        bytes(labels) + image.transpose(2, 0, 1).tobytes() for image, *labels in zip(images, *label_bytes, strict=True)
    )


def test_cifar10_is_read_in_the_order_of_its_files(tmp_path):
    labels = [number % 10 for number in range(12)]
    batches = {
        f"data_batch_{k}.bin": records(IMAGES[2 * k - 2 : 2 * k], labels[2 * k - 2 : 2 * k]) for k in range(1, 6)
    }
    test = {"test_batch.bin": records(IMAGES[10:], labels[10:]), "batches.meta.txt": b"airplane\nautomobile\nbird\n\n"}
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(archive("cifar-10-batches-bin", test | batches))
    found = published.cifar10(tmp_path)
    np.testing.assert_array_equal(found.train.inputs, IMAGES[:10])
    np.testing.assert_array_equal(found.test.inputs, IMAGES[10:])
    assert (found.train.targets["label"].tolist(), found.test.targets["label"].tolist()) == (labels[:10], labels[10:])
    assert found.class_names == ("airplane", "automobile", "bird")


def test_of_the_two_labels_of_cifar100_the_fine_one_is_the_class(tmp_path):
    fine, coarse = [99, *range(11)], [19, *range(11)]
    members = {
        "train.bin": records(IMAGES[:8], coarse[:8], fine[:8]),
        "test.bin": records(IMAGES[8:], coarse[8:], fine[8:]),
        "fine_label_names.txt": b"apple\naquarium_fish\n",
        "coarse_label_names.txt": b"aquatic_mammals\n",
    }
    (tmp_path / "cifar-100-binary.tar.gz").write_bytes(archive("cifar-100-binary", members))
    found = published.cifar100(tmp_path)
    np.testing.assert_array_equal(found.train.inputs, IMAGES[:8])
    assert (found.train.targets["label"].tolist(), found.test.targets["label"].tolist()) == (fine[:8], fine[8:])
    assert found.class_names == ("apple", "aquarium_fish")


def idx(values):
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return gzip.compress(header + values.tobytes(), mtime=0)


GREY_LABELS = np.arange(7, dtype=np.uint8)
GREY_FILES = {
    "train-images-idx3-ubyte.gz": idx(GREY[:5]),
    "train-labels-idx1-ubyte.gz": idx(GREY_LABELS[:5]),
    "t10k-images-idx3-ubyte.gz": idx(GREY[5:]),
    "t10k-labels-idx1-ubyte.gz": idx(GREY_LABELS[5:]),
}
GREY_SHA256 = checksum(
    Examples(
        canonical_order(labelled(GREY[:5, ..., None], GREY_LABELS[:5])),
        canonical_order(labelled(GREY[5:, ..., None], GREY_LABELS[5:])),
        published.DIGITS,
    )
)


@pytest.fixture
def authors(monkeypatch):
    """A server in place of the authors of MNIST, with a handful of images."""
    with serving(GREY_FILES) as server:
        sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in GREY_FILES.items()}
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setitem(AUTHORS, "mnist", Served(server.address, sha256, published.mnist))
        yield server


def source(home):
    return json.loads((home / "mnist-original" / "manifest.json").read_text())["source"]


@pytest.mark.parametrize("known", ["null", GREY_SHA256])
def test_what_authors_serve_is_used_and_remembered(home, compose, authors, caplog, known):
    caplog.set_level("INFO")
    settings = compose("data=mnist", f"data.sha256={known}", "data.validation=0", "data.batch_size=4")
    for _ in range(2):
        found = settings.data.read()
        assert checksum(found) == GREY_SHA256
        assert found.source == source(home) == "authors"
        assert settings.dataset().source == "authors"
    assert len(authors.asked) == 4
    assert "mnist: 5 training and 2 test images, from its authors" in caplog.messages


def test_other_sizes_do_not_download_again(compose, authors):
    for size in ("null", 14):
        compose("data=mnist", "data.sha256=null", f"data.image_size={size}").data.read()
    assert len(authors.asked) == 4


def test_of_two_that_start_together_one_downloads(authors):
    authors.cuts = [10]
    authors.hangs_up.clear()
    found = []
    both = [threading.Thread(target=lambda: found.append(from_authors("mnist"))) for _ in range(2)]
    for one in both:
        one.start()
    assert authors.has_cut.wait(timeout=60)
    authors.hangs_up.set()
    for one in both:
        one.join()
    assert [checksum(examples) for examples in found] == [checksum(found[0])] * 2
    assert authors.asked == [0, 0, 0, 0, 0]


def test_a_mirror_serves_where_authors_do_not(home, compose, authors, monkeypatch, capsys):
    authors.files = {}
    copy = Examples(
        labelled(GREY[:5, ..., None], GREY_LABELS[:5]), labelled(GREY[5:, ..., None], GREY_LABELS[5:]), ("0",)
    )
    monkeypatch.setattr(tfds, "from_mirror", lambda name: copy)
    found = compose("data=mnist", f"data.sha256={GREY_SHA256}").data.read()
    assert found.source == source(home) == "mirror"
    said = f"mnist: {authors.address[7:]} answers 404 Not Found; its package mirror is used instead\n"
    assert capsys.readouterr().err == said


def test_where_nobody_serves_one_line_says_what_each_did(compose, authors, monkeypatch):
    def unreachable(name):
        raise SourceError("npm is not installed")

    authors.files = {}
    monkeypatch.setattr(tfds, "from_mirror", unreachable)
    with pytest.raises(UserError) as error:
        compose("data=mnist").data.read()
    assert str(error.value) == (
        f"data.name=mnist is not prepared ({authors.address[7:]} answers 404 Not Found; npm is not installed); prepare "
        "it where there is a network with 'make data NAME=mnist', or set TFDS_DATA_DIR to a directory that has it"
    )


def test_files_of_another_kind_are_one_line(authors, monkeypatch):
    monkeypatch.setitem(AUTHORS, "mnist", AUTHORS["mnist"]._replace(read=published.cifar10))
    with pytest.raises(SourceError, match=r"downloads/mnist cannot be used: .*cifar-10-binary\.tar\.gz"):
        from_authors("mnist")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "sizes", "shape"),
    [
        ("cifar10", (45_000, 5_000, 10_000), (32, 32, 3)),
        ("cifar100", (45_000, 5_000, 10_000), (32, 32, 3)),
        ("mnist", (50_000, 10_000, 10_000), (28, 28, 1)),
        ("fashion_mnist", (55_000, 5_000, 10_000), (28, 28, 1)),
    ],
)
def test_authors_serve_the_published_examples(compose, name, sizes, shape):
    try:
        from_authors(name)
    except SourceError as error:
        pytest.skip(str(error))
    dataset = compose(f"data={name}").dataset()
    assert ((dataset.spec.train, dataset.spec.validation, dataset.spec.test), dataset.spec.shape) == (sizes, shape)
    assert dataset.source == "authors"
