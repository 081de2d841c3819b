"""Checks that refactoring changes no bits, by short runs of two or more checkouts.

    python -m benchmarks.same_bits BEFORE [AFTER …] [only=NAME]

Every checkout trains each case with XLA's operations and equal threads. The SHA-256 of each final state is written to
results/same_bits.json under the commit of the checkout; cases that are already there are skipped.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from src.config.errors import UserError, reported
from src.config.place import CONF
from src.plain_json import dumps
from src.runs.files import write_whole

RESULTS = Path("results/same_bits.json")
SHORT = ("debug.examples=256", "train.duration=5 steps")
ALWAYS = ("kernels=xla", "tracking.progress=none", "tracking.tensorboard=false")
MIXED = ("data.augment.mixup=0.2", "train.accumulation=2", "parallel.devices=2")
DEVICES = {"mixed": {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}}
ONLY = "only="


def main() -> None:
    """Trains missing cases, and prints differences."""
    with reported():
        checkouts = [Path(argument) for argument in sys.argv[1:] if not argument.startswith(ONLY)]
        only = "".join(argument.removeprefix(ONLY) for argument in sys.argv[1:] if argument.startswith(ONLY))
        if not checkouts or not all((checkout / "src/train.py").exists() for checkout in checkouts):
            raise UserError("name the checkouts that are to be compared, the earliest first")
        for name, arguments in cases().items():
            if only in name:
                measure(name, arguments, checkouts)


def cases() -> dict[str, tuple[str, ...]]:
    """Command lines by name: the default run, mixup with accumulation on two devices, and every experiment."""
    experiments = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    return {"default": (), "mixed": (*MIXED, *SHORT)} | {name: (f"+experiment={name}", *SHORT) for name in experiments}


def measure(name: str, arguments: tuple[str, ...], checkouts: list[Path]) -> None:
    """Trains one case in all checkouts and records the hashes."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    row = rows.setdefault(name, {"arguments": [*arguments, *ALWAYS], "state_sha256": {}})
    for checkout in checkouts:
        commit = output(checkout, "git", "rev-parse", "--short=7", "HEAD").strip()
        if commit not in row["state_sha256"]:
            row["state_sha256"][commit] = final_state(checkout, name, row["arguments"])
            write_whole(RESULTS, dumps(rows, indent=1) + "\n")
    print(f"{name}: {'equal' if len({*row['state_sha256'].values()}) == 1 else row['state_sha256']}", flush=True)


def final_state(checkout: Path, name: str, arguments: list[str]) -> str:
    """The SHA-256 of the final state of a run of a checkout."""
    with tempfile.TemporaryDirectory() as folder:
        output(
            checkout,
            sys.executable,
            "-m",
            "src.train",
            *arguments,
            f"hydra.run.dir={folder}/run",
            **DEVICES.get(name, {}),
        )
        return json.loads((Path(folder) / "run/results.json").read_text())["state_sha256"]


def output(checkout: Path, *command: str, **environment: str) -> str:
    """The output of a command in a checkout.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        raise UserError(f"{' '.join(command)} in {checkout}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


if __name__ == "__main__":
    main()
