"""Download files completely or not at all, and continue interrupted downloads."""

import os
import shutil
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

from ava_det.structures import InputError

ATTEMPTS = 3
WAIT = 5.0  # seconds before the second attempt; twice as long before the third
TIMEOUT = 60.0
SCHEMES = ("https://", "http://", "file://")


def download(url: str, target: Path, wait: float = WAIT) -> None:
    """Download a file unless it exists.

    A partial download is kept in the same folder, under a name that ends with `.part`. The next
    call continues this download.

    Args:
        url: The https, http or file address.
        target: The path of the new file; the folder is made.
        wait: The time before the second attempt, in seconds.

    Raises:
        InputError: The download failed.
    """
    if target.exists():
        return
    if not url.startswith(SCHEMES):
        raise InputError(f"{url}: not an address of {', '.join(SCHEMES)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            if _fetch(url, partial):
                os.replace(partial, target)
                return
            problem = "the connection broke off"
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.reason}"
            if error.code < 500 and error.code != 416:
                break
            if error.code == 416:  # the partial file is larger than the original
                partial.unlink(missing_ok=True)
        except (urllib.error.URLError, HTTPException, OSError) as error:
            problem = str(getattr(error, "reason", error))
            if url.startswith("file:"):
                break
        if attempt + 1 < ATTEMPTS:
            time.sleep(wait * 2**attempt)
    raise InputError(f"{url}: download failed ({problem})")


def _fetch(url: str, partial: Path) -> bool:
    """Continue a partial file; return whether the file is complete."""
    so_far = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={so_far}-"} if so_far else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        goes_on = getattr(answer, "status", None) == 206
        length = answer.headers.get("Content-Length")
        with open(partial, "ab" if goes_on else "wb") as file:
            start = file.tell()
            shutil.copyfileobj(answer, file, 1 << 20)
            return length is None or file.tell() - start == int(length)
