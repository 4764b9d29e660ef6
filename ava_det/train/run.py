"""A whole training run from a config: build, resume, train, evaluate, leave the weights behind."""

import argparse
import copy
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from detectron2.config import LazyConfig, instantiate
from detectron2.engine import HookBase, hooks
from detectron2.evaluation import DatasetEvaluator, inference_context
from detectron2.utils import comm
from detectron2.utils.events import (
    CommonMetricPrinter,
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

WEIGHTS = "model.safetensors"  # what a finished run leaves in its folder
UNREADABLE = "unreadable_{}.csv"  # the videos that it could not read, to train and to test on

logger = logging.getLogger(__name__)


def evaluate(
    model: nn.Module,
    task: Task[Any],
    loader: Iterable[Batch],
    evaluator: DatasetEvaluator,
    amp: bool | str = False,
) -> dict[str, dict[str, float]]:
    """Run a model over a loader in evaluation mode; the results are empty in other processes."""
    evaluator.reset()
    with inference_context(model), torch.no_grad(), autocast(device_of(model), amp):
        for batch in loader:
            evaluator.process(batch, task.predict(model, batch) if len(batch) else [])
    comm.synchronize()
    return evaluator.evaluate() or {}


def train(cfg: DictConfig, output: Path, resume: bool = False) -> Path:
    """Train as a config says.

    Args:
        cfg: with `model`, `task`, `clip`, `class_map`, `data`, `dataloader`, `test`, `optimizer`,
            `lr_multiplier` and `train` (`configs/common`).
        output: folder of the run: checkpoints, `metrics.json`, TensorBoard events, config, weights.
        resume: go on from the last checkpoint in `output`, if there is one.

    Returns:
        The weight file, of averaged weights where the config asks for them.

    Raises:
        InputError: what is asked for cannot be; or another run has the folder.
        FloatingPointError: NaN or infinite numbers, which nothing that is kept has in it.
    """
    usable_device(str(cfg.train.device), "train.device=")  # before a folder is made
    with only_run(output):
        _prepare(cfg, output, resume)
        return _train(_noting_unreadable(cfg, output), output, resume)


def _noting_unreadable(cfg: DictConfig, output: Path) -> DictConfig:
    """A copy of a config, for a run to fill in, whose loaders list what they cannot read."""
    cfg = copy.deepcopy(cfg)
    for name, loader in (("train", cfg.dataloader.train), ("test", cfg.test.loader)):
        loader.unreadable_list = str(output / UNREADABLE.format(name))
    return cfg


def _train(cfg: DictConfig, output: Path, resume: bool) -> Path:
    """Train in a folder that is this run's alone, with a config that is too."""
    settings = cfg.train
    loader, trainer = build_trainer(cfg)
    # Before the first step, so that what is wrong with it is not found out after the last.
    test_loader = instantiate(cfg.test.loader)
    plain = unwrap(trainer.model)
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
        # Last, when the tests have their figures.
        writers = _writers(output, settings.max_iter, start)
        trainer.register_hooks([hooks.PeriodicWriter(writers, settings.log_period)])
    loader.skip(start * settings.accumulate)
    trainer.reset_data_loader(lambda: loader)
    trainer.train(start, settings.max_iter)
    if comm.is_main_process():
        weights = tested.state_dict()
        check_finite(weights, f"{output / WEIGHTS}, which is not written")
        save_weights(output / WEIGHTS, weights, model_card(cfg))
    return output / WEIGHTS


def build_trainer(cfg: DictConfig) -> tuple[Any, ClipTrainer]:
    """The loader of a config and a trainer of its model, which is not given the loader yet.

    What follows from the size of the training set is filled into the config (`settle`).
    """
    settings = cfg.train
    known = len(instantiate(cfg.class_map))  # before the model, which has as many by default
    torch.manual_seed(settings.seed)
    model = _build_model(cfg)
    loader = instantiate(cfg.dataloader.train)
    settle(cfg, len(loader.dataset))
    cfg.optimizer.params.model = model
    optimizer = instantiate(cfg.optimizer)
    task = instantiate(cfg.task)
    classes = task.num_classes if isinstance(task, Recognition) else cfg.model.get("num_classes")
    if classes is not None:  # a detector of people has none
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
    return loader, trainer


def _hooks(
    cfg: DictConfig,
    trainer: ClipTrainer,
    checkpointer: AtomicCheckpointer,
    tested: nn.Module,
    test_loader: Iterable[Batch],
) -> list[HookBase | None]:
    """What happens after a step, in order, once the averages are up to date."""
    settings = cfg.train
    return [
        hooks.LRScheduler(trainer.optimizer, instantiate(cfg.lr_multiplier)),
        # After whatever changes what it saves.
        hooks.PeriodicCheckpointer(checkpointer, settings.checkpoint_period)
        if comm.is_main_process()
        else None,
        StopOnRequest(checkpointer, trainer.device),
        # Also at the end, whatever the period: the weights that are kept have been measured.
        TestUnlessFailed(
            settings.eval_period,
            lambda: _test(cfg, tested, trainer.task, test_loader, trainer.iter),
        ),
    ]


def _place_to_start(trainer: ClipTrainer, checkpointer: AtomicCheckpointer, resume: bool) -> int:
    """The first iteration, after the last checkpoint where a run is resumed, which is loaded."""
    start = 0
    if resume and checkpointer.has_checkpoint():
        checkpointer.load(checkpointer.get_checkpoint_file())
        start = trainer.iter + 1
    if len(set(comm.all_gather(start))) > 1:
        raise InputError(
            f"{checkpointer.save_dir}: not all processes find the same checkpoint there"
        )
    checkpointer.sweep()  # those that were left when the run was stopped
    return start


def _test(
    cfg: DictConfig, model: nn.Module, task: Task[Any], loader: Iterable[Batch], iteration: int
) -> dict[str, dict[str, float]]:
    """The figures of a model on the test set; its batch norms are measured first, if asked for."""
    with inference_context(model):  # measuring ends in evaluation mode, and training goes on
        share_statistics(model)
        if cfg.train.precise_bn:
            batches = instantiate(cfg.dataloader.train)
            measure_statistics(model, task, batches, cfg.train.precise_bn)
        results = evaluate(model, task, loader, instantiate(cfg.test.evaluator), cfg.test.amp)
    logger.info("iteration %d: %s", iteration, results)
    return results


def _build_model(cfg: DictConfig) -> nn.Module:
    """The model on its device, with its first weights and the norms and layout of the config."""
    settings = cfg.train
    model = laid_out(instantiate(cfg.model), settings)
    if settings.init:
        report = load_weights(Path(settings.init), model, fresh=tuple(settings.init_fresh))
        logger.info("%s: %s", settings.init, report)
    return synchronize_norms(model) if settings.sync_norm else model


def laid_out(model: nn.Module, settings: DictConfig) -> nn.Module:
    """The model on the device of a config's `train`, in its layout in memory."""
    model = model.to(usable_device(str(settings.device), "train.device="))
    return channels_last(model) if settings.channels_last else model


def check_classes(num_classes: int, known: int, cfg: DictConfig) -> None:
    """Refuse a data set of another number of classes, before a run rather than at its end."""
    if num_classes != known:
        raise InputError(
            f"data.train={cfg.data.train}: has {known} classes, not the {num_classes} of "
            "model.num_classes"
        )


def check_weights(task: Task, num_classes: int) -> None:
    """Refuse a loss with weights of other classes: a single one would pass for that of all."""
    weights = getattr(getattr(task, "criterion", None), "class_weights", None)
    if weights is not None and len(weights) != num_classes:
        raise InputError(
            f"task.criterion.class_weights: has {len(weights)} numbers, not the {num_classes} of "
            "model.num_classes"
        )


def model_card(cfg: DictConfig) -> ModelCard:
    """What the weight file says of the model of a config."""
    arguments = OmegaConf.to_container(cfg.model, resolve=True, enum_to_str=True)
    assert isinstance(arguments, dict)
    target = cfg.model._target_  # a function, or its name where the config was YAML
    builder = locate(target) if isinstance(target, str) else target
    class_map = instantiate(cfg.class_map)
    # What testing resizes to, also where an override has set that apart from the clip.
    tested = OmegaConf.select(cfg, "test.loader.mapper.transform.size") or cfg.clip.short_side
    return ModelCard(
        task=next(task for task, known in TASKS.items() if known is builder),
        arguments={str(k): v for k, v in arguments.items() if k != "_target_"},
        classes=tuple((i, n, class_map.groups.get(i, "")) for i, n in class_map.names.items()),
        clip=ClipShape(**{**cfg.clip, "short_side": tested}),
    )


def _prepare(cfg: DictConfig, output: Path, resume: bool) -> None:
    """Make the folder of the run, start its log and keep its config there."""
    output.mkdir(parents=True, exist_ok=True)
    if (output / "last_checkpoint").exists() and not resume:
        raise InputError(f"{output}: holds a run already; --resume goes on with it")
    for name in ("detectron2", "fvcore", "ava_det"):
        setup_logger(str(output / "log.txt"), comm.get_rank(), name=name, abbrev_name=name)
    logging.getLogger("detectron2.engine.train_loop").addFilter(without_traceback)
    if comm.is_main_process():
        LazyConfig.save(cfg, str(output / "config.yaml"))
        if not resume:  # of a run that never came to a checkpoint
            for part in ("train", "test"):
                (output / UNREADABLE.format(part)).unlink(missing_ok=True)


def _writers(output: Path, max_iter: int, start: int) -> list[EventWriter]:
    """Logs of a run, without what there is of iterations that are run again."""
    metrics = output / "metrics.json"
    cut_metrics(metrics, start)
    return [
        CommonMetricPrinter(max_iter),
        JSONWriter(str(metrics)),
        TensorboardXWriter(str(output), purge_step=start),
    ]


def train_from_arguments(args: argparse.Namespace, *more_overrides: str) -> None:
    """Train in as many processes as the command line says."""
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
