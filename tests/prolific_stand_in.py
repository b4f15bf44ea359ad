"""A small HTTP server that answers as Prolific's API reference says, and keeps what was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

FILTERS = [  # of GET /api/v1/filters/, as documented for handedness; titles as on the form
    {"filter_id": "age", "title": "Age", "type": "range", "data_type": "integer",
     "min": 18, "max": 100},
    {"filter_id": "sex", "title": "Sex", "type": "select", "data_type": "ChoiceID",
     "choices": {"0": "Male", "1": "Female"}},
    {"filter_id": "first-language", "title": "First Language", "type": "select",
     "data_type": "ChoiceID", "choices": {"4": "English", "9": "German"}},
    {"filter_id": "handedness", "title": "Handedness", "type": "select", "data_type": "ChoiceID",
     "choices": {"0": "Left", "1": "Right", "2": "Ambidextrous"}},
    {"filter_id": "approval_rate", "title": "Approval Rate", "type": "range",
     "data_type": "integer", "min": 0, "max": 100},
]  # fmt: skip


class StandIn:
    """Answers from `routes`: (method, path) -> answers in turn; the last one stays.

    An answer is (status, body) or (status, body, headers); `None` cuts the connection.
    """

    def __init__(self, routes):
        self.routes = {key: list(answers) for key, answers in routes.items()}
        self.asked = []  # (method, path, query, body, headers)
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                stand_in.asked.append(
                    (self.command, parts.path, dict(parse_qsl(parts.query)), body, self.headers)
                )
                answers = stand_in.routes.get((self.command, parts.path))
                if answers is None:
                    return self._send(404, {"error": {"detail": "Not found"}}, {})
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer is None:
                    return self.connection.close()
                if callable(answer):
                    answer = answer(dict(parse_qsl(parts.query)))
                return self._send(answer[0], answer[1], answer[2] if len(answer) > 2 else {})

            def _send(self, status, body, headers):
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = _answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def sent(self, method, path):
        """Bodies of every request to an address."""
        return [body for m, p, _, body, _ in self.asked if (m, p) == (method, path)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
