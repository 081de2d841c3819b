"""A web server that has the faults of real ones, and a terminal for whoever waits for it."""

import io
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        server = self.server
        asked = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        server.asked.append(asked)
        content = server.files.get(self.path.lstrip("/"))
        if content is None:
            return self.send_error(404)
        first = asked if server.knows_parts else 0
        if first >= len(content):
            return self.send_error(416)
        self.send_response(206 if server.knows_parts else 200)
        self.send_header("Content-Length", len(content) - first)
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else None
        self.wfile.write(content[first:][:cut])
        if cut is not None:
            self.wfile.flush()
            server.has_cut.set()
            server.hangs_up.wait(timeout=60)
        return None

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Serves files by name.

    Attributes:
        files: their contents.
        knows_parts: whether it can send what stands behind a place.
        cuts: after how many bytes it ends the next answers; those that come then are whole.
        asked: from which place on files were asked for, request by request.
        has_cut: set once an answer has come to its cut.
        hangs_up: whether it then ends the connection, or leaves the other side waiting.
    """

    daemon_threads = True

    def __init__(self, files, *, knows_parts=True, cuts=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.knows_parts, self.cuts, self.asked = files, knows_parts, list(cuts), []
        self.has_cut, self.hangs_up = threading.Event(), threading.Event()
        self.hangs_up.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(files, **faults):
    with Server(files, **faults) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.hangs_up.set()
        server.shutdown()


class Terminal(io.StringIO):
    def isatty(self):
        return True
