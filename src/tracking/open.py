"""Opens the sinks of a run."""

from datetime import datetime
from typing import Any

from ..runs.directory import RunDirectory
from .history import History
from .progress import Shown, progress_sink
from .settings import TrackingSettings
from .sinks import Sink, Sinks


def open_sinks(
    settings: TrackingSettings, directory: RunDirectory, history: History, step: int, total: int, shown: Shown
) -> Sinks:
    """Opens all sinks of a run that is at `step` of `total`; its start is recorded in the directory."""
    begun = directory.read_json("provenance.json")

    def tensorboard() -> Sink:
        from .tensorboard import TensorBoard

        return TensorBoard(directory.tensorboard, history.rows, datetime.fromisoformat(begun["started"]).timestamp())

    def wandb() -> Sink:
        from .weights_and_biases import WeightsAndBiases

        assert settings.wandb is not None
        name = f"{begun['identity']}-{datetime.fromisoformat(begun['started']):%Y%m%d%H%M%S}"
        return WeightsAndBiases(settings.wandb, directory.path, name, directory.read_config(), history.rows)

    openers: dict[str, Any] = {}
    if settings.tensorboard:
        openers["TensorBoard"] = tensorboard
    if settings.wandb is not None:
        openers["Weights & Biases"] = wandb
    openers["the progress display"] = lambda: progress_sink(settings.progress, step, total, shown)
    return Sinks(openers)
