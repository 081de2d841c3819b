"""One run, from its beginning or from where it was interrupted, to its results."""

import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..config.errors import UserError
from ..config.settings import defining_values, read_settings
from ..data.dataset import examples_sha256
from ..data.preprocessing import as_json
from ..lock import locked
from ..runs.directory import RunDirectory
from ..runs.files import write_whole
from ..runs.identity import difference, run_hash
from ..runs.provenance import changes, commit, provenance, threads, uncommitted
from ..tasks.metrics import Metric
from ..tracking.grid import grid
from ..tracking.history import History
from ..tracking.open import open_sinks
from ..tracking.sinks import Recorder
from .checkpoints import Checkpoints
from .engine import Engine
from .interruption import Interrupted, Interruption, signals_noted
from .kernels import begun_with, operations
from .load_run import check_examples
from .loop import Loop, OnEvaluation
from .parallel import check_divisible
from .pretrained import begun_from, check_weights, new_engine, pretrained
from .process import configure_jax
from .settings import RunSettings
from .state import TrainState, state_sha256
from .trace import as_table, trace_steps

log = logging.getLogger(__name__)

PICTURES = 32


def run(
    settings: RunSettings, config: dict[str, Any], path: Path, on_evaluation: OnEvaluation = lambda row: None
) -> dict[str, Any]:
    """Trains one network and scores it once on the test split; what was done before is not done again.

    Args:
        settings: of the run.
        config: the same as plain values, for the record.
        path: the run's directory.
        on_evaluation: called with every score on the validation split; what it raises ends the run.

    Returns:
        The results.

    Raises:
        UserError: the directory holds another run, or one on other examples, or what is not ours, or another process
            trains in it, or it cannot be made.
        Interrupted: the process was asked to stop; the run is saved.
        Diverged: the loss stopped being finite; the last good state is saved.
    """
    directory = RunDirectory(path)
    directory.check_ours()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write the run directory {path}: {error.strerror}") from None
    with locked(directory.lock, of=path, wait=False):
        if directory.started() and not settings.fresh:
            refuse_another(settings, directory)
            if directory.finished():
                return finished_before(directory, settings.task.headline_metric)
        with failures_recorded(directory), signals_noted() as interruption:
            results = train(settings, config, directory, on_evaluation, interruption)
    if interruption.signal is not None:  # too late for this run, but not for the jobs that would come next
        raise Interrupted(interruption.signal)
    return results


@contextmanager
def failures_recorded(directory: RunDirectory) -> Iterator[None]:
    """Leaves word in the run's directory of why it did not finish."""
    try:
        yield
    except Interrupted:
        raise
    except Exception:
        with suppress(OSError):  # a full disk takes no word of it either
            directory.write_failure(traceback.format_exc())
        raise


def refuse_another(settings: RunSettings, directory: RunDirectory) -> None:
    """Takes nobody else's results for one's own.

    Raises:
        UserError: the directory holds another run, or one on other examples.
    """
    begun = directory.read_json("provenance.json")
    if begun.get("identity") != run_hash(settings):
        theirs = read_settings(RunSettings, directory.read_config(), settings.trust)
        words = difference(defining_values(theirs), defining_values(settings))
        words = words or "the same settings, but a rule that they stand for has changed since"
        raise UserError(
            f"{directory.path} holds another run: {words}; choose another hydra.run.dir, or replace it with fresh=true"
        )
    check_examples(settings, directory)
    check_weights(settings, directory)


def finished_before(directory: RunDirectory, headline: Metric) -> dict[str, Any]:
    """The results of a finished run, and a word if other code made them."""
    results = directory.read_json("results.json")
    directory.forget_failure()
    report(directory, results, "finished before", headline)
    made_by = directory.read_json("provenance.json")["commit"]
    if made_by != commit():
        log.info("the results are of commit %s; the code is now at %s; fresh=true replaces them", made_by, commit())
    return results


def train(
    settings: RunSettings,
    config: dict[str, Any],
    directory: RunDirectory,
    on_evaluation: OnEvaluation,
    interruption: Interruption,
) -> dict[str, Any]:
    """Trains to the end, from wherever the run stands."""
    configure_jax(settings)
    devices = settings.parallel.devices or jax.device_count()
    log.info("%s, on %d x %s with %d threads", directory.path, devices, jax.devices()[0].device_kind, threads())
    engine = new_engine(settings, None if settings.fresh else begun_with(directory))
    check_divisible(settings.data.batch_size, engine.mesh.size, settings.train.accumulation)
    for note in engine.dataset.notes:
        log.warning("%s", note)
    if (weights := pretrained(settings)) is not None:
        log.info("%s", weights.in_words(engine.spec))
    checkpoints = Checkpoints(directory.checkpoints, defining_values(settings), settings.checkpoint.keep)
    if settings.fresh:
        directory.clear()
        checkpoints.clear()
    found = checkpoints.latest(engine.init_snapshot())
    step = int(found.state.step) if found else 0
    record_start(directory, settings, config, step, engine)
    checkpoints.check_writable()
    history = History(directory.metrics, directory.table, step if found else -1)
    if settings.debug.trace:
        log.info("%s\n%s", directory.trace, as_table(trace_steps(engine, settings.debug.trace, directory.trace)))
    sinks = open_sinks(settings.tracking, directory, history, step, engine.plan.steps, settings.task.shown)
    try:
        if engine.spec.pictured:
            sinks.picture("first_batch", first_batch(engine, directory))
        loop = Loop(
            engine,
            engine.replicated(found) if found else engine.init_snapshot(),
            sink=Recorder(history, sinks),
            checkpoints=checkpoints,
            interruption=interruption,
            rows=history.rows,
            on_evaluation=on_evaluation,
        )
        state = loop.run()
        results = score(engine, state) | {"seconds": loop.seconds}
        sinks.finish(results)
    finally:
        sinks.close()
        history.close()
    directory.write_results(results)
    report(directory, results, "finished", settings.task.headline_metric)
    return results


def record_start(
    directory: RunDirectory, settings: RunSettings, config: dict[str, Any], step: int, engine: Engine
) -> None:
    """Writes down by what the run is made; a run that goes on keeps that of its beginning, and says what changed."""
    known = as_json(engine.preprocessing)
    now = provenance() | operations(engine.kernels) | {"examples_from": engine.dataset.source}
    if step == 0:
        made_of = {"identity": run_hash(settings), "examples": examples_sha256(settings.data)} | begun_from(settings)
        directory.write_start(config, {**made_of, **now, "resumed": []}, uncommitted(), known)
        return
    begun = directory.read_json("provenance.json")
    before = (begun["resumed"] or [begun])[-1]
    resumed = [*begun["resumed"], {"step": step, **now}]
    directory.write_start(directory.read_config(), {**begun, "resumed": resumed}, uncommitted(), known)
    changed = changes(before, now)
    log.info("goes on from step %d%s", step, f"; changed since: {changed}, so bits may differ" if changed else "")


def first_batch(engine: Engine, directory: RunDirectory) -> UInt8[np.ndarray, "h w 3"]:
    """What the network sees first, as a picture, drawn once and kept: a dashboard that begins anew needs it again."""
    if not directory.first_batch.exists():
        file = io.BytesIO()
        Image.fromarray(grid(*engine.first_images(PICTURES))).save(file, "PNG")
        write_whole(directory.first_batch, file.getvalue())
    return np.asarray(Image.open(directory.first_batch).convert("RGB"))


def score(engine: Engine, state: TrainState) -> dict[str, Any]:
    """The results of a finished run; this is where the test split is looked at."""
    test = engine.evaluate(state, "test") if engine.spec.test else {}
    return {
        **{f"test_{name}": value for name, value in test.items()},
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.parameters)),
        "steps": int(state.step),
        "state_sha256": state_sha256(state),
    }


def report(directory: RunDirectory, results: dict[str, Any], how: str, headline: Metric) -> None:
    """One line on what came out, and where it is."""
    log.info("%s: %s after %d steps; %s", how, score_in_words(results, headline), results["steps"], directory.path)


def score_in_words(results: dict[str, Any], headline: Metric) -> str:
    """The metric that decides, on the test split, with its interval if it has one."""
    name = f"test_{headline.name}"
    if name not in results:
        return "no test split"
    interval = " to ".join(map(headline.shown, results.get(f"{name}_interval", ())))
    return f"test {headline.name.replace('_', ' ')} {headline.shown(results[name])}" + (
        f" (95 % interval {interval})" if interval else ""
    )
