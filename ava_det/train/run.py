"""Run a whole training from a config: build, resume, train, evaluate and save the weights."""

import argparse
import copy
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from detectron2.config import LazyConfig, instantiate
from detectron2.engine import HookBase, hooks
from detectron2.evaluation import DatasetEvaluator, inference_context
from detectron2.evaluation.testing import flatten_results_dict
from detectron2.utils import comm
from detectron2.utils.events import (
    CommonMetricPrinter,
    EventStorage,
    EventWriter,
    JSONWriter,
    TensorboardXWriter,
)
from detectron2.utils.logger import setup_logger
from detectron2.utils.registry import locate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from ava_det.batch import Batch
from ava_det.cli import quiet_libraries
from ava_det.formats.training_log import cut_metrics
from ava_det.model.device import usable_device
from ava_det.model.inference import channels_last
from ava_det.model.zoo import TASKS
from ava_det.structures import ClipShape, InputError
from ava_det.train.checkpoint import AtomicCheckpointer
from ava_det.train.config import load_config
from ava_det.train.finite import check_finite
from ava_det.train.fit import describe_people, fit_streams
from ava_det.train.folder import only_run
from ava_det.train.loop import (
    ClipTrainer,
    StopOnRequest,
    TestUnlessFailed,
    WeightAverage,
    autocast,
    without_traceback,
)
from ava_det.train.norms import measure_statistics, share_statistics, synchronize_norms
from ava_det.train.processes import device_of, distribute, run_in_processes, unwrap
from ava_det.train.schedule import settle
from ava_det.train.tasks import Recognition, Task
from ava_det.weights.card import ModelCard
from ava_det.weights.load import load_weights
from ava_det.weights.native import save_weights
from ava_det.weights.shipped import person_weights

WEIGHTS = "model.safetensors"  # the weights of a finished run
FEATURES = "features"  # the folder of the features of `train.fit`
UNREADABLE = "unreadable_{}.csv"  # the unreadable videos of the training and the test set

logger = logging.getLogger(__name__)


def evaluate(
    model: nn.Module,
    task: Task[Any],
    loader: Iterable[Batch],
    evaluator: DatasetEvaluator,
    amp: bool | str = False,
) -> dict[str, dict[str, float]]:
    """Evaluate a model over a loader; return results in the main process, {} in others."""
    evaluator.reset()
    with inference_context(model), torch.no_grad(), autocast(device_of(model), amp):
        for batch in loader:
            evaluator.process(batch, task.predict(model, batch) if len(batch) else [])
    comm.synchronize()
    return evaluator.evaluate() or {}


def train(cfg: DictConfig, output: Path, resume: bool = False) -> Path:
    """Train a model with a config.

    Args:
        cfg: A config with `model`, `task`, `clip`, `class_map`, `data`, `dataloader`, `test`,
            `optimizer`, `lr_multiplier` and `train` (`configs/common`).
        output: The folder of the run. It gets checkpoints, `metrics.json`, TensorBoard events, the
            config and the weights.
        resume: Continue from the last checkpoint in `output`, if there is one.

    Returns:
        The path of the weight file, which has the averaged weights if the config asks for them.

    Raises:
        InputError: The config or the data set is wrong, or another run uses the folder.
        FloatingPointError: NaN or infinite numbers occurred; they are in none of the saved files.
    """
    usable_device(str(cfg.train.device), "train.device=")  # before a folder is made
    with only_run(output):
        _prepare(cfg, output, resume)
        try:
            return _train(_noting_unreadable(cfg, output), output, resume)
        except FloatingPointError as error:
            raise FloatingPointError(f"{output}: {error} ({_last_checkpoint(output)})") from error


def _last_checkpoint(output: Path) -> str:
    """Return which checkpoint of a run is the last, in words."""
    noted = output / "last_checkpoint"
    if not noted.is_file():
        return "there is no checkpoint yet: start again without --resume, in another folder"
    return f"the last checkpoint is {noted.read_text().strip()}"


def _noting_unreadable(cfg: DictConfig, output: Path) -> DictConfig:
    """Return a copy of a config whose loaders list unreadable videos in the folder of the run."""
    cfg = copy.deepcopy(cfg)
    for name, loader in (("train", cfg.dataloader.train), ("test", cfg.test.loader)):
        loader.unreadable_list = str(output / UNREADABLE.format(name))
    return cfg


def _train(cfg: DictConfig, output: Path, resume: bool) -> Path:
    """Train in a folder that no other run uses."""
    cfg, loader, trainer = build_trainer(cfg)
    settings = cfg.train
    # Build the test loader before the first step, so that an error does not appear at the end.
    test_loader = instantiate(cfg.test.loader)
    tested = unwrap(trainer.model)
    if settings.fit:
        _fit(cfg, tested, loader, trainer.task, output)
        _note(_test(cfg, tested, trainer.task, test_loader, 0), output)
    else:
        tested = _take_steps(cfg, loader, trainer, test_loader, output, resume)
    if comm.is_main_process():
        weights = tested.state_dict()
        check_finite(weights, f"{output / WEIGHTS}, which is not written")
        save_weights(output / WEIGHTS, weights, model_card(cfg))
    return output / WEIGHTS


def _take_steps(
    cfg: DictConfig,
    loader: Any,
    trainer: ClipTrainer,
    test_loader: Iterable[Batch],
    output: Path,
    resume: bool,
) -> nn.Module:
    """Take the steps of a run, or the rest of them; return the model or its average."""
    settings, plain = cfg.train, unwrap(trainer.model)
    average = WeightAverage(plain, settings.ema) if settings.ema else None
    tested = average.average.module if average else plain
    kept = {"trainer": trainer, **({"average": average.average} if average else {})}
    checkpointer = AtomicCheckpointer(
        plain, str(output), save_to_disk=comm.is_main_process(), **kept
    )
    trainer.register_hooks([hooks.IterationTimer(), average])
    trainer.register_hooks(_hooks(cfg, trainer, checkpointer, tested, test_loader))
    start = _place_to_start(trainer, checkpointer, resume)
    if comm.is_main_process():
        # Register the writers last, so that they see the results of the tests.
        writers = _writers(output, settings.max_iter, start)
        trainer.register_hooks([hooks.PeriodicWriter(writers, settings.log_period)])
    loader.skip(start * settings.accumulate)
    trainer.reset_data_loader(lambda: loader)
    trainer.train(start, settings.max_iter)
    return tested


def _fit(cfg: DictConfig, model: Any, loader: Any, task: Any, output: Path) -> None:
    """Fit the head of a detector, in place of steps of the optimizer."""
    batches = max(1, round(cfg.train.fit.samples / cfg.dataloader.train.batch_size))
    people = describe_people(model, loader, batches, output / FEATURES, cfg.train.amp)
    fit_streams(model.head, people, task.criterion, cfg.train.fit.l2)


def _note(results: dict[str, dict[str, float]], output: Path) -> None:
    """Write the results of the only test of a run into the log."""
    if comm.is_main_process():
        with EventStorage() as storage:
            for name, value in flatten_results_dict(results).items():
                storage.put_scalar(name, value, smoothing_hint=False)
            for writer in _writers(output, 0, 0):
                writer.write()
                writer.close()


def build_trainer(cfg: DictConfig) -> tuple[DictConfig, Any, ClipTrainer]:
    """Build the loader and the trainer of a config; the trainer does not have the loader yet.

    Returns:
        A copy of the config in which `settle` has filled in the values that depend on the size of
        the training set; the loader; the trainer.
    """
    cfg = copy.deepcopy(cfg)
    settings = cfg.train
    known = len(instantiate(cfg.class_map))  # before the model, because num_classes may refer to it
    torch.manual_seed(settings.seed)
    model = _build_model(cfg)
    loader = instantiate(cfg.dataloader.train)
    settle(cfg, len(loader.dataset))
    cfg.optimizer.params.model = model
    optimizer = instantiate(cfg.optimizer)
    task = instantiate(cfg.task)
    classes = task.num_classes if isinstance(task, Recognition) else cfg.model.get("num_classes")
    if classes is not None:  # a person detector has no classes
        check_classes(classes, known, cfg)
        check_weights(task, classes)
    trainer = ClipTrainer(
        distribute(model),
        (),
        optimizer,
        task,
        seed=settings.seed,
        amp=settings.amp,
        accumulate=settings.accumulate,
        clip_norm=settings.clip_norm,
    )
    return cfg, loader, trainer


def _hooks(
    cfg: DictConfig,
    trainer: ClipTrainer,
    checkpointer: AtomicCheckpointer,
    tested: nn.Module,
    test_loader: Iterable[Batch],
) -> list[HookBase | None]:
    """Return the hooks after a step, in order; the weight average comes before them."""
    settings = cfg.train
    return [
        hooks.LRScheduler(trainer.optimizer, instantiate(cfg.lr_multiplier)),
        # The checkpointer comes after the hooks that change the saved state.
        hooks.PeriodicCheckpointer(checkpointer, settings.checkpoint_period)
        if comm.is_main_process()
        else None,
        StopOnRequest(checkpointer, trainer.device),
        # This tests at the end too, for any period, so that the saved weights are measured.
        TestUnlessFailed(
            settings.eval_period,
            lambda: _test(cfg, tested, trainer.task, test_loader, trainer.iter),
        ),
    ]


def _place_to_start(trainer: ClipTrainer, checkpointer: AtomicCheckpointer, resume: bool) -> int:
    """Load the last checkpoint if the run is resumed; return the first iteration."""
    start = 0
    if resume and checkpointer.has_checkpoint():
        checkpointer.load(checkpointer.get_checkpoint_file())
        start = trainer.iter + 1
    if len(set(comm.all_gather(start))) > 1:
        raise InputError(
            f"{checkpointer.save_dir}: the processes find different checkpoints in this folder"
        )
    checkpointer.sweep()  # a stopped run may leave old checkpoints
    return start


def _test(
    cfg: DictConfig, model: nn.Module, task: Task[Any], loader: Iterable[Batch], iteration: int
) -> dict[str, dict[str, float]]:
    """Test a model; measure the batch norm statistics first if the config asks for it."""
    with inference_context(model):  # restores training mode afterwards
        share_statistics(model)
        if cfg.train.precise_bn:
            batches = instantiate(cfg.dataloader.train)
            measure_statistics(model, task, batches, cfg.train.precise_bn)
        results = evaluate(model, task, loader, instantiate(cfg.test.evaluator), cfg.test.amp)
    logger.info("iteration %d: %s", iteration, results)
    return results


def _build_model(cfg: DictConfig) -> nn.Module:
    """Build the model on the device, with initial weights, norms and memory layout."""
    settings = cfg.train
    model = laid_out(instantiate(cfg.model), settings)
    if settings.init:
        report = load_weights(Path(settings.init), model, fresh=tuple(settings.init_fresh))
        logger.info("%s: %s", settings.init, report)
    if settings.init_pose:
        path = person_weights(settings.init_pose)
        report = load_weights(path, model.get_submodule("backbone.pose"))
        logger.info("%s: %s", path, report)
    return synchronize_norms(model) if settings.sync_norm else model


def laid_out(model: nn.Module, settings: DictConfig) -> nn.Module:
    """Move a model to the device and the memory layout of a config's `train`."""
    model = model.to(usable_device(str(settings.device), "train.device="))
    return channels_last(model) if settings.channels_last else model


def check_classes(num_classes: int, known: int, cfg: DictConfig) -> None:
    """Require that the data set has the model's number of classes, before the run starts."""
    if num_classes != known:
        raise InputError(
            f"data.train={cfg.data.train}: has {known} classes, not the {num_classes} of "
            "model.num_classes"
        )


def check_weights(task: Task, num_classes: int) -> None:
    """Require one class weight per class; a single weight would silently apply to all classes."""
    weights = getattr(getattr(task, "criterion", None), "class_weights", None)
    if weights is not None and len(weights) != num_classes:
        raise InputError(
            f"task.criterion.class_weights: has {len(weights)} numbers, not the {num_classes} of "
            "model.num_classes"
        )


def model_card(cfg: DictConfig) -> ModelCard:
    """Return the model card of a config, which the weight file contains."""
    arguments = OmegaConf.to_container(cfg.model, resolve=True, enum_to_str=True)
    assert isinstance(arguments, dict)
    target = cfg.model._target_  # a function, or the name of one in a YAML config
    builder = locate(target) if isinstance(target, str) else target
    class_map = instantiate(cfg.class_map)
    # The size in the test, which an override may have changed without `clip.short_side`.
    tested = OmegaConf.select(cfg, "test.loader.mapper.transform.size") or cfg.clip.short_side
    return ModelCard(
        task=next(task for task, known in TASKS.items() if known is builder),
        arguments={str(k): v for k, v in arguments.items() if k != "_target_"},
        classes=tuple((i, n, class_map.groups.get(i, "")) for i, n in class_map.names.items()),
        clip=ClipShape(**{**cfg.clip, "short_side": tested}),
    )


def _prepare(cfg: DictConfig, output: Path, resume: bool) -> None:
    """Make the folder of the run, start the log and save the config."""
    output.mkdir(parents=True, exist_ok=True)
    if (output / "last_checkpoint").exists() and not resume:
        raise InputError(f"{output}: holds a run already; continue the run with --resume")
    for name in ("detectron2", "fvcore", "ava_det"):
        setup_logger(str(output / "log.txt"), comm.get_rank(), name=name, abbrev_name=name)
    logging.getLogger("detectron2.engine.train_loop").addFilter(without_traceback)
    if comm.is_main_process():
        LazyConfig.save(cfg, str(output / "config.yaml"))
        if not resume:  # files of a run that ended before the first checkpoint
            for part in ("train", "test"):
                (output / UNREADABLE.format(part)).unlink(missing_ok=True)
            shutil.rmtree(output / FEATURES, ignore_errors=True)  # of other settings, perhaps


def _writers(output: Path, max_iter: int, start: int) -> list[EventWriter]:
    """Make the log writers of a run; remove log entries of iterations that are repeated."""
    metrics = output / "metrics.json"
    cut_metrics(metrics, start)
    return [
        CommonMetricPrinter(max_iter),
        JSONWriter(str(metrics)),
        TensorboardXWriter(str(output), purge_step=start),
    ]


def train_from_arguments(args: argparse.Namespace, *more_overrides: str) -> None:
    """Train in the number of processes that the command line asks for."""
    run_in_processes(
        _train_process,
        (args.config, [*args.overrides, *more_overrides], args.output, args.resume),
        processes=args.num_processes,
        machines=args.num_machines,
        machine_rank=args.machine_rank,
        url=args.dist_url,
    )


def _train_process(config: str, overrides: list[str], output: Path, resume: bool) -> None:
    quiet_libraries()
    train(load_config(config, overrides), output, resume)
