"""ava_det.data.prepare.download, from a server of this process."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ava_det.data.prepare.download import download
from ava_det.structures import InputError

CONTENT = bytes(range(256)) * 400


class Handler(SimpleHTTPRequestHandler):
    """Serves parts as well, breaks off the first answer of "broken" and fails twice for "busy"."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        first = self.asked.count(self.path)
        if self.path == "/missing":
            return self.send_error(404)
        if self.path == "/busy" and first < 3:
            return self.send_error(503)
        if start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        end = 5000 if self.path == "/broken" and first == 1 else len(CONTENT)
        self.wfile.write(CONTENT[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    handler = type("Fresh", (Handler,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", handler.asked
        running.shutdown()


get = partial(download, wait=0.0)


@pytest.mark.parametrize(("name", "tries"), [("whole", 1), ("broken", 2), ("busy", 3)])
def test_a_file_comes_whole(server, tmp_path, name, tries):
    url, asked = server
    get(f"{url}/{name}", tmp_path / "sub" / "a.mkv")
    assert (tmp_path / "sub" / "a.mkv").read_bytes() == CONTENT
    assert len(asked) == tries
    assert len(list((tmp_path / "sub").iterdir())) == 1
    get(f"{url}/{name}", tmp_path / "sub" / "a.mkv")
    assert len(asked) == tries  # it is there


def test_what_was_begun_is_gone_on_with(server, tmp_path):
    (tmp_path / ".a.mkv.part").write_bytes(CONTENT[:70000])
    get(f"{server[0]}/whole", tmp_path / "a.mkv")
    assert (tmp_path / "a.mkv").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / ".a.mkv.part").write_bytes(CONTENT + b"more")
    get(f"{server[0]}/whole", tmp_path / "a.mkv")
    assert (tmp_path / "a.mkv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("{}/missing", "/missing: download failed .404"),
        ("http://127.0.0.1:1/a", "download failed .*refused"),
        ("ftp://host/a", "ftp://host/a: not an address of https://"),
        ("file:///nowhere/a", "download failed"),
    ],
)
def test_what_cannot_be_had(server, tmp_path, url, said):
    with pytest.raises(InputError, match=said):
        get(url.format(server[0]), tmp_path / "a.mkv")
    assert not (tmp_path / "a.mkv").exists()


def test_a_local_mirror(tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    get((tmp_path / "there").as_uri(), tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == CONTENT
