"""Train a person detector on the boxes of a data set, or find people on keyframes.

    ava-det propose --train --dataset jhmdb_split1_train --output runs/persons
    ava-det propose --dataset jhmdb_split1_test --weights runs/persons/model.safetensors \\
        --output runs/persons/boxes.csv

The boxes are written as AVA's csv with an empty action (-1) and the person score last. `--tracks`
adds a header line and the column `track_id`: the boxes of one person in a video have the same
number, and -1 means that the person is on no track. Start a stopped run again with the same
arguments, and it continues. A finished csv is left as it is if the arguments are the same; with
others it is replaced with `--overwrite` only. Videos that cannot be read get no boxes and one line
at the end; the run fails if none can be read. `--weights` takes a person detector of ours, a YOLOX
of COCO (.onnx), or `light`, which comes with the package. `--dataset` takes names, and paths of
descriptions. A config is Python code and is run: use only configs that you trust.

Read on: docs/training.md, docs/custom_data.md.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from ava_det import cli
from ava_det.structures import InputError, Keyframe, PersonBoxes
from ava_det.weights.shipped import person_weights

CONFIG = "persons/faster_rcnn_tiny.py"
PICTURES = ".json"  # the suffix of pictures with keypoints


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    add, at_least = parser.add_argument, cli.at_least
    add("--train", action="store_true", help="train a detector; default: find people")
    add("--dataset", required=True, nargs="+", metavar="NAME", help="data sets with keyframes")
    add("--output", required=True, type=Path, help="folder of the run, or the csv of boxes")
    add = parser.add_argument_group("with --train").add_argument
    add("--config", default=CONFIG, help="a path, or a name below configs/")
    add("--resume", action="store_true", help="continue from the last checkpoint")
    add("--num-processes", type=cli.processes, default=1, help="one per GPU")
    test = "data set to test on (default: NAME with train replaced by test)"
    add("--test-dataset", metavar="NAME", help=test)
    add("overrides", nargs="*", default=[], metavar="path.key=value", help="config overrides")
    add = parser.add_argument_group("without --train").add_argument
    add(
        "--weights", type=person_weights, help="a weight file, or `light`; required without --train"
    )
    add(
        "--score-threshold",
        type=cli.fraction,
        default=0.05,
        help="least score of a person",
    )
    add("--every", type=at_least(1, int), default=1, metavar="N", help="use every N-th keyframe")
    both = "write the annotated people, and add the detected people that are not annotated"
    add("--keep-annotated", action="store_true", help=both)
    link = "add a column with the number of each person's track, and a header line"
    add("--tracks", action="store_true", help=link)
    size = "short side of the frames (default: as in training)"
    add("--person-size", type=cli.person_size, metavar="PIXELS", help=size)
    add("--batch-size", type=at_least(1, int, 256), default=16, help="frames per batch")
    add("--device", default="cpu", help="device of the model: cpu, cuda or cuda:1")
    cli.add_overwrite(parser)
    parser.set_defaults(num_machines=1, machine_rank=0, dist_url="auto")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train a detector, or find people."""
    if args.train:
        train(args)
    elif args.weights is None:
        parser().error("give --weights to find people, or --train to train a detector")
    elif args.tracks and args.keep_annotated:
        parser().error("--tracks: detected people only, without --keep-annotated")
    else:
        run(args)


def train(args: argparse.Namespace) -> None:
    """Train on the data sets; OUTPUT/metrics.json gets AP and recall on the test set."""
    from ava_det.data.sets.catalog import get_dataset
    from ava_det.train.run import WEIGHTS, train_from_arguments

    if not all(name.endswith(PICTURES) for name in args.dataset):
        get_dataset(args.dataset)
    test = get_dataset(args.test_dataset or args.dataset[0].replace("train", "test")).name
    if test in args.dataset:
        raise InputError(f"{test}: is in --dataset; name another one with --test-dataset")
    train_from_arguments(
        args,
        f"data.train={json.dumps(args.dataset)}",
        f"data.test={json.dumps(test)}",
    )
    print(f"weights: {args.output / WEIGHTS}")


def run(args: argparse.Namespace) -> None:
    """Find the people on every keyframe, unless another process writes the same file."""
    from ava_det.data.sets.catalog import get_dataset
    from ava_det.detect.journal import is_finished
    from ava_det.formats.outputs import outputs

    args.output.parent.mkdir(parents=True, exist_ok=True)
    if args.output.is_file() and not args.overwrite:
        records = get_dataset(args.dataset).keyframes(args.every)
        if is_finished(args.output, facts(args), records):
            print(f"{args.output}: is finished already, with the same arguments")
            return
    with outputs(args.output, overwrite=args.overwrite):
        find(args)


def find(args: argparse.Namespace) -> None:
    """Find the people on every keyframe, write them and print the recall."""
    from tqdm import tqdm

    from ava_det.data.sets.catalog import get_dataset
    from ava_det.detect.journal import Journal, forget_finished, note_finished
    from ava_det.detect.load import load_persons
    from ava_det.detect.proposals import link, propose, unread, with_annotated
    from ava_det.formats.ava_csv import table_of, write_detections, write_ground_truth

    dataset = get_dataset(args.dataset)
    records, reader, clock = dataset.keyframes(args.every), dataset.reader(), dataset.clock
    detector = load_persons(args.weights, args.device, args.person_size)
    forget_finished(args.output)
    begun = args.output.with_name(f"{args.output.name}.part")
    with Journal(begun, facts(args), records) as journal:
        bar = tqdm(total=len(records), initial=journal.done, unit="keyframe")
        rest = records[journal.done :]
        for people, problem in propose(detector, rest, reader, clock, args.batch_size):
            journal.add(people.select(people.scores >= args.score_threshold), problem)
            bar.update()
        bar.close()
        everybody, problems = zip(*journal.read(), strict=True)
    found = {people.keyframe: people for people in everybody}
    if all(problems):
        begun.unlink()  # so that the next run reads the videos again
        raise InputError(f"no keyframe can be read: {problems[0]}")
    for line in unread(records, problems):
        print(line, file=sys.stderr)
    truth = {record.people.keyframe: record.people for record in records}
    if args.keep_annotated:
        both = [with_annotated(truth[keyframe], people) for keyframe, people in found.items()]
        write_ground_truth(args.output, table_of(both))
    else:
        people = list(found.values())
        if args.tracks:
            paths = {record.video: record.path for record in records}
            people = link(people, paths, reader, clock)
        write_detections(args.output, table_of(people), args.tracks)
    note_finished(args.output, facts(args), records)
    begun.unlink()
    # Unreadable keyframes do not count.
    seen = [r.people.keyframe for r, problem in zip(records, problems, strict=True) if not problem]
    report(args.output, {keyframe: truth[keyframe] for keyframe in seen}, found)


def facts(args: argparse.Namespace) -> dict[str, str]:
    """Return everything that the boxes depend on, as text."""
    with args.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    names = ("dataset", "every", "score_threshold", "person_size", "batch_size", "device")
    names += ("keep_annotated", "tracks")
    return {"weights": digest, **{name: str(getattr(args, name)) for name in names}}


def report(
    path: Path, truth: dict[Keyframe, PersonBoxes], found: dict[Keyframe, PersonBoxes]
) -> None:
    """Print the number of boxes, and AP and recall if people are annotated."""
    from ava_det.evaluation.person_boxes import person_ap, person_recall

    count = sum(len(people.boxes) for people in found.values())
    print(f"{path}: {count} boxes on {len(found)} keyframes")
    if any(len(people.boxes) for people in truth.values()):
        ap, recall = person_ap(truth, found), person_recall(truth, found)
        print(f"recall at IoU 0.5 {recall:.3f}, AP50 {ap['AP50']:.3f}, AP {ap['AP']:.3f}")
