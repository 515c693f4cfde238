"""A museum's web server on loopback, with good and bad days."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Answer:
    """What the server says to one request.

    Attributes:
        body: Bytes of the answer.
        status: HTTP status.
        headers: Further headers.
        promised: Bytes that Content-Length promises more than are sent.
        pause_s: Pause in the middle of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promised: int = 0
    pause_s: float = 0.0


@dataclass
class Museum:
    """The server: answers by path, in turn, the last one for good; and what it was asked.

    Attributes:
        base: Its address.
        answers: Answers of each path.
        asked: Path, time and User-Agent of each request.
    """

    base: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, float, str]] = field(default_factory=list)

    def say(self, path: str, *answers: dict[str, Any]) -> str:
        """Let a path be answered so, in turn; return its address."""
        self.answers[path] = [Answer(**answer) for answer in answers]
        return self.base + path

    def say_json(self, path: str, content: Any) -> str:
        body = json.dumps(content).encode()
        return self.say(path, {"body": body, "headers": {"Content-Type": "application/json"}})

    def say_picture(self, path: str, body: bytes, media_type: str = "image/jpeg") -> str:
        return self.say(path, {"body": body, "headers": {"Content-Type": media_type}})

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


def handler(museum_of: Callable[[], Museum]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            museum = museum_of()
            museum.asked.append((self.path, time.monotonic(), self.headers["User-Agent"]))
            answers = museum.answers.get(self.path, [Answer(status=404)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + answer.promised))
            self.end_headers()
            half = len(answer.body) // 2
            self.wfile.write(answer.body[:half])
            self.wfile.flush()
            time.sleep(answer.pause_s)
            self.wfile.write(answer.body[half:])
            self.close_connection = bool(answer.promised)

    return Handler


@pytest.fixture
def museum() -> Iterator[Museum]:
    found: list[Museum] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(lambda: found[0]))
    server.daemon_threads = True
    found.append(Museum(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
