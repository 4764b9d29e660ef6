"""Drills of videos: damage, wrong muxing, absurd times, sizes and headers, and play lists."""

import json
import struct
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av

from drills.case import ROOT, Draft, Kind
from drills.damage import damaged, moved_blocks, no_file
from drills.models import write_action_weights
from drills.packets import FILMS, Film, encode, remux

CASES = ROOT.parent / "shared" / "cases"  # optional third-party files beside the checkout
SMALL = 50_000  # most bytes of such a file
SIZES = [(1, 3000), (3000, 1), (2, 2), (1, 1), (16, 16000), (16000, 16), (2, 2048), (720, 16)]
SIZES += [(33, 57), (4320, 2)]
ONE, MINUS = 1 << 16, (1 << 32) - (1 << 16)  # of a display matrix, 16.16 fixed point
MATRICES = [
    (MINUS, 0, 0, ONE),
    (ONE, 0, 0, MINUS),
    (0, ONE, ONE, 0),
    (0, MINUS, MINUS, 0),
    (0, ONE, MINUS, 0),
    (0, 0, 0, 0),
    (ONE, ONE, 0, ONE),
    (0x7FFFFFFF, 0, 0, 0x7FFFFFFF),
    (46341, 46341, 0xFFFF4AFB, 46341),
]
ASPECTS = [(64, 45), (1000, 1), (1, 1000), (2147483647, 1), (16, 11), (1, 2147483647)]


def prepare(base: Path) -> None:
    """Write a small film in every container and untrained weights; copy third-party films."""
    (base / "films").mkdir()
    for name, film in FILMS.items():
        encode(base / "films" / name, film)
    for path in sorted(CASES.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.stat().st_size < SMALL:
            (base / "films" / f"case_{path.parent.name}_{path.name}").write_bytes(path.read_bytes())
    write_action_weights(base / "action.safetensors")


SUFFIXES = {Path(name).suffix for name in FILMS} | {".mts"}


def _film(draft: Draft, *suffixes: str) -> tuple[str, bytes]:
    """Return a name for the case's video, and an intact film with one of the suffixes, or any."""
    names = sorted(path.name for path in (draft.base / "films").iterdir())
    name = draft.rng.choice([n for n in names if not suffixes or Path(n).suffix in suffixes])
    return f"videos/film{Path(name).suffix}", (draft.base / "films" / name).read_bytes()


def tool_on(draft: Draft, video: Path) -> tuple[str, ...]:
    """Return a command that reads the video; most commands detect."""
    out = str(draft.folder / "out")
    which = 0 if video.suffix == ".gif" else draft.rng.randrange(8)  # a folder's videos exclude GIF
    if which < 5:
        weights = str(draft.base / "action.safetensors")
        options = ["--persons", "light", "--rate", "2", "--person-threshold", "0.05"]
        return "tools/detect.py", str(video), "--output", out, "--weights", weights, *options
    if which == 5:
        described = draft.write("data.toml", f"videos = {json.dumps(str(video.parent))}\n")
        return "tools/check_data.py", "--dataset", str(described)
    rows = "film,0,0.1,0.1,0.6,0.9,1,0\nfilm,3,0.2,0.1,0.7,0.9,2,0\n"
    csv = str(draft.write("rows.csv", rows))
    folder = ("--videos", str(video.parent))
    if which == 6:
        return "tools/check_data.py", "--annotations", csv, *folder, "--ticks", "frames"
    classes = str(draft.write("classes.pbtxt", 'item { name: "a" id: 1 } item { name: "b" id: 2 }'))
    to = draft.rng.choice(["to-cvat", "to-coco"])
    return "datasets/convert.py", to, csv, *folder, "--class-map", classes, "--output", out


def untouched(draft: Draft) -> tuple[str, ...]:
    """Use an intact film, which the command must accept."""
    draft.must_take = True
    name = draft.rng.choice(sorted(FILMS))
    film = draft.write(f"videos/film{Path(name).suffix}", draft.whole(f"films/{name}"))
    return tool_on(draft, film)


def _bytes(change: Callable[..., bytes]) -> Callable[[Draft], tuple[str, ...]]:
    """Return a mutation of the bytes of a film."""

    def mutate(draft: Draft) -> tuple[str, ...]:
        name, data = _film(draft)
        return tool_on(draft, draft.write(name, change(draft.rng, data)))

    return mutate


def packets(draft: Draft) -> tuple[str, ...]:
    """Drop, repeat, exchange or damage packets or their times."""
    name, data = _film(draft)
    source = draft.write(f"source{Path(name).suffix}", data)
    suffix = draft.rng.choice([Path(name).suffix, ".mkv", ".mkv", ".mp4", ".ts"])
    path = draft.write(f"videos/film{suffix}", data)
    remux(draft.rng, source, path)
    source.unlink()
    return tool_on(draft, path)


def sizes_in_header(draft: Draft) -> tuple[str, ...]:
    """Change the width and height of the picture everywhere in the file."""
    name, data = _film(draft)
    words = draft.rng.sample([0, 1, 2, 63, 3000, 16384, 65535], 2)
    changed = data
    for value, word in zip((Film.width, Film.height), words, strict=True):
        for form in (">H", "<H", "<I", ">I"):
            old, new = struct.pack(form, value), struct.pack(form, word)
            if draft.rng.random() < 0.6:
                changed = changed.replace(old, new, draft.rng.choice([1, 2, 5]))
        if draft.rng.random() < 0.5:  # an EBML element of one byte
            changed = changed.replace(bytes([0x81, value]), bytes([0x81, word % 256]), 2)
    return tool_on(draft, draft.write(name, changed))


def thin_pictures(draft: Draft) -> tuple[str, ...]:
    """Write pictures of absurd shapes in tiny files."""
    height, width = draft.rng.choice(SIZES)
    codec = draft.rng.choice(["ffv1", "mpeg4", "mjpeg"])
    path = draft.folder / "videos" / "film.mkv"
    path.parent.mkdir()
    film = Film(codec, height=height, width=width, frames=draft.rng.choice([1, 5]))
    with suppress(av.FFmpegError):  # if the encoder refuses a size, the file ends early
        encode(path, film)
    return tool_on(draft, path)


def display_matrix(draft: Draft) -> tuple[str, ...]:
    """Write a header that rotates, mirrors, shears or squashes the pictures."""
    name, data = _film(draft, ".mp4", ".mov")
    numbers = ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30
    a, b, c, d = draft.rng.choice(MATRICES)
    other = a, b, 0, c, d, 0, 0, 0, 1 << 30
    # The last matrix belongs to the track, the first to the movie.
    before, found, after = data.rpartition(struct.pack(">9I", *numbers))
    matrix = struct.pack(">9I", *other) if found else b""
    return tool_on(draft, draft.write(name, before + matrix + after))


def time_table(draft: Draft) -> tuple[str, ...]:
    """Change a number in an MP4's tables of times or edits."""
    name, data = _film(draft, ".mp4", ".mov")
    box = draft.rng.choice([b"stts", b"ctts", b"elst"])
    place = data.find(box) + 12 + 4 * draft.rng.randrange(2, 6)
    number = draft.rng.choice([0, 1, 5120, 0xFFFFFF, 0x7FFFFFFF, 0xF0000000])
    changed = data[:place] + struct.pack(">I", number) + data[place + 4 :]
    return tool_on(draft, draft.write(name, changed if box in data else data))


def aspect(draft: Draft) -> tuple[str, ...]:
    """Write a film with pixels that are not square."""
    suffix = draft.rng.choice([".mp4", ".mkv"])
    path = draft.folder / "videos" / f"film{suffix}"
    path.parent.mkdir()
    encode(path, Film("libx264", aspect=draft.rng.choice(ASPECTS)))
    return tool_on(draft, path)


def play_list(draft: Draft) -> tuple[str, ...]:
    """Write a play list with a video's name that makes FFmpeg open other local files."""
    draft.must_refuse = True
    other = draft.write("videos/other.bin", (draft.base / "films" / "h264.ts").read_bytes())
    target = draft.rng.choice([str(other), other.name, f"file:{other}"])
    texts = [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\n{target}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{target}'\n",
        f"ffconcat version 1.0\nfile {target}\nduration 1\nfile {target}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp2t">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
    ]
    mark = draft.rng.choice(["", "", "\ufeff"])
    suffix = draft.rng.choice([".mp4", ".mkv", ".m3u8", ".ffconcat", ".mpd", ".ts", ".avi"])
    path = draft.write(f"videos/film{suffix}", mark + draft.rng.choice(texts))
    weights = str(draft.base / "action.safetensors")
    out = str(draft.folder / "out")
    more = ("--weights", weights, "--persons", "light")
    return "tools/detect.py", str(path), "--output", out, *more


def joined(draft: Draft) -> tuple[str, ...]:
    """Concatenate files, some of them truncated, of one container or two."""
    name, data = _film(draft)
    same = draft.rng.random() < 0.7
    parts = [data]
    for _ in range(draft.rng.randint(1, 3)):
        other = _film(draft, *[Path(name).suffix] * same)[1]
        start = draft.rng.choice([0, 0, len(other) // 3])
        parts.append(other[start : draft.rng.choice([len(other), start + len(other) // 2])])
    if draft.rng.random() < 0.2:
        parts.insert(0, draft.rng.randbytes(draft.rng.choice([1, 100, 5000])))
    return tool_on(draft, draft.write(name, b"".join(parts)))


def no_video(draft: Draft) -> tuple[str, ...]:
    """Put an object that is no video under a video's name."""
    name = "videos/film" + draft.rng.choice([".mp4", ".mkv", ".avi"])
    (draft.folder / "videos").mkdir()
    if draft.rng.random() < 0.7:
        return tool_on(draft, Path(no_file(draft, name)))
    with wave.open(str(draft.folder / name), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    return tool_on(draft, draft.folder / name)


KIND = Kind(
    count=250,
    prepare=prepare,
    mutations={
        "untouched": untouched,
        "bytes": _bytes(damaged),
        "packets": packets,
        "sizes in the header": sizes_in_header,
        "blocks": _bytes(moved_blocks),
        "play list": play_list,
        "packets and times": packets,
        "thin pictures": thin_pictures,
        "truncated": _bytes(lambda rng, data: data[: rng.randrange(len(data))]),
        "display matrix": display_matrix,
        "joined": joined,
        "aspect": aspect,
        "more bytes": _bytes(lambda rng, data: damaged(rng, data, most=30)),
        "no video": no_video,
        "time table": time_table,
    },
)
