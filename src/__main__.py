"""Experiments with convolutional networks.

    convnets train +experiment=resnet56_noskip    trains a network
    convnets evaluate run=DIRECTORY               scores a finished run again
    convnets predict run=DIRECTORY input=FILES    names the classes of images or texts
    convnets summary model=vgg16                  shows the layers of a network
    convnets search +experiment=resnet20          searches for good settings

`convnets COMMAND --help` says more.
"""

import sys
from importlib import import_module

from .start import HELP, HYDRA_HELPS, begin, description

COMMANDS = ("train", "evaluate", "predict", "summary", "search")


def command() -> None:
    """The console command `convnets`."""
    begin(__name__)
    main()


def main() -> None:
    """Runs the subcommand that the first argument names, with the remaining arguments."""
    assert __package__ is not None
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in HELP:
        print(description(__package__))
        return
    if name not in COMMANDS:
        from .config.errors import EXIT_USER_ERROR, did_you_mean, say

        say(f"error: there is no command {name}{did_you_mean(name, COMMANDS)}")
        sys.exit(EXIT_USER_ERROR)
    sys.argv = [f"{sys.argv[0]} {name}", *arguments]
    if HELP & {*arguments} and name != HYDRA_HELPS:
        print(description(f"{__package__}.{name}"))
        return
    import_module(f".{name}", __package__).main()


if __name__ == "__main__":
    main()
