"""Where the authors of well-known sets serve them.

Addresses and checksums are those of TensorFlow Datasets 4.9.10 (its `url_checksums/*.txt`), which prepares the same
files. MNIST has no other home today than its copy by the CVDF.
"""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..lock import locked
from . import published
from .cache import cache_home
from .examples import Examples, SourceError


class Served(NamedTuple):
    """What the authors of a set serve.

    Attributes:
        address: of the folder that holds the files.
        sha256: of each file.
        read: reads a folder that holds the same files.
    """

    address: str
    sha256: dict[str, str]
    read: Callable[[Path], Examples]


AUTHORS = {
    "cifar10": Served(
        "https://www.cs.toronto.edu/~kriz",
        {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        published.cifar10,
    ),
    "cifar100": Served(
        "https://www.cs.toronto.edu/~kriz",
        {"cifar-100-binary.tar.gz": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
        published.cifar100,
    ),
    "mnist": Served(
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        {
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        published.mnist,
    ),
    "fashion_mnist": Served(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        published.fashion_mnist,
    ),
}


def from_authors(name: str) -> Examples:
    """Downloads a set into the cache, where its files stay, and reads it.

    Two processes that start together download it once: the second waits for the first.

    Raises:
        SourceError: no address is known, or its files cannot be had.
    """
    from .download import download  # what it imports takes a tenth of a second of every start

    if name not in AUTHORS:
        raise SourceError(f"it is not known where the authors of {name} serve it")
    served, folder = AUTHORS[name], cache_home() / "downloads" / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{name}.lock"), of=folder, wait=True):
            for file, sha256 in served.sha256.items():
                download(f"{served.address}/{file}", sha256, folder)
            return served.read(folder)
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        raise SourceError(f"{folder} cannot be used: {error}") from None
