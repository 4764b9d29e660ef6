"""The common command line of all tools: one clear line on bad input, `--debug` for a traceback."""

import argparse
import errno
import io
import logging
import math
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ava_det.extras import install_hint
from ava_det.formats.nearest import meant
from ava_det.structures import LARGEST_TICK, MOST_PERSON_SIDE, InputError

Number = TypeVar("Number", int, float)
_LONGEST_LINE = 900  # characters of an error
MOST_PROCESSES = 1024  # of a run on one machine; each takes 100 MB or more
FAILED, USAGE = 1, 2  # exit codes; argparse exits with 2 as well
ROOT = Path(__file__).resolve().parents[1]  # the checkout, unless a wheel was installed

_FULL = "free some space, or choose another output"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "the file system or `ulimit -f` allows no file of this size",
    errno.EIO: "the disk fails to read or write; try another",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help that keeps the layout of examples, and shows the default of each option."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default, words = action.default, action.help
        has_none = default is None or default is False or default in ("", [], argparse.SUPPRESS)
        if has_none or not action.option_strings or words is None or "default" in words:
            return words
        return f"{words} (default: %(default)s)"


class Parser(argparse.ArgumentParser):
    """A command line that suggests the nearest correct word for a misspelt one.

    Abbreviated options are refused, since every new option can change their meaning. An argument
    type may raise `InputError`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=_Help, **kwargs)
        self.allow_abbrev = False

    def parse_known_args(  # type: ignore[override]  # typeshed has three signatures of it
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Refuse unknown options first, since a missing option may be misspelt."""
        words = list(sys.argv[1:] if args is None else args)
        for word in words if self._subparsers is None else ():
            if word == "--":
                break
            option = word.partition("=")[0]
            if self._is_option(word) and option not in self._option_string_actions:
                known = [name for name in self._option_string_actions if name.startswith("--")]
                self.error(f"unrecognized option {option}{meant(option, known)}")
        return super().parse_known_args(words, namespace)

    def _is_option(self, word: str) -> bool:
        """Return whether argparse parses a word as an option."""
        number = self._negative_number_matcher.match(word)
        return len(word) > 1 and word[0] == "-" and not number and " " not in word

    def error(self, message: str) -> NoReturn:
        """Print the usage and one line. Shorten quoted arguments of thousands of characters."""
        super().error(_shown(message))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse an unknown choice and suggest the nearest one."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += meant(str(value), map(str, action.choices or ()))
            raise

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Allow argument types to raise `InputError`."""
        try:
            return super()._get_value(action, arg_string)
        except InputError as error:
            raise argparse.ArgumentError(action, str(error)) from error


class Terminated(SystemExit):
    """SIGTERM as an exception: it is no failure, and a forked process exits quietly."""


def quiet_libraries() -> None:
    """Hide all warnings of libraries. Call this before importing the libraries.

    Child processes hide the notices as well: they import libraries before our code runs.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"
    # detectron2 checks for tracing with a torch function that warns.
    logging.getLogger("torch.fx._symbolic_trace").setLevel(logging.ERROR)


def run(
    parser: argparse.ArgumentParser,
    main: Callable[[argparse.Namespace], int | None],
    arguments: Sequence[str] | None = None,
    extra: str = "",
) -> None:
    """Parse the command line, call `main` with it and exit.

    For a module that is not installed, the message names the extra of the package that installs it.
    If `extra`, the extra of the whole command, includes that extra, the message names `extra`.

    `InputError` and `OSError` print one line on stderr and exit with code 1. An unexpected error
    does the same and prints its type. `--debug` shows the traceback. Ctrl-C and SIGTERM (sent by
    batch systems) let the program clean up and exit with codes 130 and 143.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for stream in (sys.stdout, sys.stderr):  # the terminal may lack characters of file names
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    args = parser.parse_args(arguments)
    quiet_libraries()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(main(args) or 0)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except Terminated:
        print("\nstopped", file=sys.stderr)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:
        if args.debug:
            raise
        print(f"error: {install_hint(error, extra) or one_line(error)}", file=sys.stderr)
        sys.exit(FAILED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, _: object) -> None:
    raise Terminated(128 + number)


def require_checkout(command: str) -> None:
    """Refuse a command that needs scripts of a checkout, such as tools/pretrain.py, without one.

    Raises:
        InputError: The package was installed from a wheel.
    """
    if not (ROOT / "tools" / "pretrain.py").is_file():
        raise InputError(
            f"{command} runs scripts of a checkout, and ava_det is installed without one: "
            "clone the repository and run `make setup` there"
        )


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that all training tools share."""
    parser.add_argument("--config", required=True, help="a path, or a name below configs/")
    parser.add_argument("--output", required=True, type=Path, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="continue from the last checkpoint")
    parser.add_argument(
        "--num-gpus",
        "--num-processes",
        dest="num_processes",
        type=processes,
        default=1,
        help="processes to start on this machine, one per GPU; torchrun and srun start their own",
    )
    parser.add_argument(
        "--num-machines", type=processes, default=1, help="machines that train together"
    )
    parser.add_argument(
        "--machine-rank", type=at_least(0, int), default=0, help="number of this machine, from 0"
    )
    parser.add_argument("--dist-url", default="auto", help="address that the machines connect to")
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add `--overwrite`. Without it, no tool replaces existing results."""
    words = "replace existing results"
    parser.add_argument("--overwrite", action="store_true", help=words)


def add_video_map(add: Callable[..., object]) -> None:
    """Add the options of video-mAP; `video_map_protocol` reads them."""
    add("--video-map", action="store_true", help="link tubes and measure video-mAP too")
    protocol = "protocol of --video-map: how tubes are linked and matched (default: act)"
    add("--video-map-protocol", choices=("act", "multisports"), help=protocol)


def video_map_protocol(args: argparse.Namespace, parser: argparse.ArgumentParser) -> str | None:
    """Return the protocol of video-mAP; None without `--video-map`."""
    if args.video_map:
        return args.video_map_protocol or "act"
    if args.video_map_protocol:
        parser.error("--video-map-protocol needs --video-map")
    return None


def at_least(least: float, kind: type[Number], most: float = math.inf) -> Callable[[str], Number]:
    """Return an argument type for finite numbers of at least `least` and up to `most`."""

    def number(text: str) -> Number:
        value = kind(text)
        if not least <= value <= most or value == math.inf:
            bounds = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is not a number {bounds}")
        return value

    return number


def above_zero(most: float = math.inf) -> Callable[[str], float]:
    """Return an argument type for finite numbers above 0 and up to `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most or value == math.inf:
            end = "" if most == math.inf else f" and up to {most:g}"
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0{end}")
        return value

    return number


person_size = at_least(32, int, MOST_PERSON_SIDE)  # the short side of frames, in pixels
processes = at_least(1, int, MOST_PROCESSES)


def tick(text: str) -> int:
    """Parse an argument: a whole number that a table of keyframes can hold."""
    value = int(text)
    if abs(value) > LARGEST_TICK:
        raise argparse.ArgumentTypeError(f"{text[:20]} is too large for a tick")
    return value


def fraction(text: str) -> float:
    """Parse an argument: a score, probability or share from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        percent = f"; {text} % is {value / 100:g}" if 1 < value <= 100 else ""
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1{percent}")
    return value


def one_line(error: Exception) -> str:
    """Return the message of an error on one line, with the type unless the error is bad input.

    A long message loses its middle, so that both ends of a very long path are visible. Notes come
    first: `naming` adds the file name of an unexpected error as a note.
    """
    return _shown(_message(error))


def _shown(text: str) -> str:
    """Return a text as one printable line."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))
    half = _LONGEST_LINE // 2
    return text if len(text) <= _LONGEST_LINE else f"{text[:half]} ... {text[-half:]}"


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        remedy = _REMEDIES.get(error.errno or 0)
        return f"{error.filename}: {error.strerror}" + (f"; {remedy}" if remedy else "")
    if type(error).__name__ == "InterpolationResolutionError":
        # The library of configs puts its own words around the message.
        inner: BaseException | None = error
        while inner is not None and not isinstance(inner, InputError):
            inner = inner.__cause__ or inner.__context__
        error = inner or error
    text = str(error).strip() or "no message"
    if isinstance(error, InputError):
        return text
    return ": ".join([*getattr(error, "__notes__", ()), type(error).__name__, text])
