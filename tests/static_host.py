"""What a static study meets in the tests: a plain web host, DataPipe, and JATOS.

`Host` serves a folder as any web host does. `Recorder` takes data as DataPipe's published API says.
`Jatos` serves a study archive beside a stand-in for jatos.js (`tests/jatos_stand_in.js`), which
follows JATOS's published reference; neither is DataPipe or JATOS itself.
"""

from __future__ import annotations

import json
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

STAND_IN = Path(__file__).parent / "jatos_stand_in.js"


class Served:
    """A server on a free port, from `with` to its end."""

    def __init__(self, handler):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def read(self):
        return self.rfile.read(int(self.headers["content-length"])).decode()

    def reply(self, status, content=b"{}", kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Host(Served):
    """Any web host: files of a folder, and nothing else."""

    def __init__(self, folder):
        super().__init__(partial(Quiet, directory=str(folder)))


class Recorder(Served):
    """DataPipe's `/api/data/`: keeps what is sent; while `broken`, it fails as a server does."""

    def __init__(self):
        self.files, self.broken, self.tries = {}, False, 0
        recorder = self

        class Pipe(Quiet):
            def end_headers(self):
                self.send_header("access-control-allow-origin", "*")
                self.send_header("access-control-allow-headers", "content-type, accept")
                super().end_headers()

            def do_OPTIONS(self):
                self.reply(204)

            def do_POST(self):
                recorder.tries += 1
                sent = json.loads(self.read())
                if recorder.broken or self.path != "/api/data/":
                    return self.reply(503)
                if set(sent) != {"experimentID", "filename", "data"}:
                    return self.reply(400, b'{"error": "MISSING_PARAMETER"}')
                if "trial_type" not in set().union(*json.loads(sent["data"])):
                    return self.reply(400, b'{"error": "INVALID_DATA"}')  # its default rule
                if sent["filename"] in recorder.files:
                    return self.reply(400, b'{"error": "FILE_EXISTS"}')
                recorder.files[sent["filename"]] = sent
                return self.reply(201, b'{"message": "Success"}')

        super().__init__(Pipe)

    @property
    def address(self):
        return f"{self.url}/api/data/"


class Jatos(Served):
    """A study archive as JATOS serves it, with its results and its batch session.

    `runs`: result data of one run after the other, each a list of components' results, for a page
    that is loaded again begins a new one. `meddle`: how often somebody else is quicker.
    """

    def __init__(self, archive, folder):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
            (jas,) = [name for name in packed.namelist() if name.endswith(".jas")]
        self.study = json.loads((folder / jas).read_text())["data"]
        self.runs, self.ended, self.batch, self.version, self.meddle = [], [], {}, 0, 0
        jatos = self
        assets = folder / self.study["dirName"]

        class Publix(Quiet):
            def do_GET(self):
                path = urlsplit(self.path).path
                if path == "/jatos.js":
                    return self.reply(200, STAND_IN.read_bytes(), "text/javascript")
                if path == "/batch":
                    return self.reply(200, jatos.told())
                return super().do_GET()

            def do_POST(self):
                what, sent = self.path.strip("/"), self.read()
                if what == "run":
                    jatos.runs.append([])
                elif what == "load":
                    jatos.runs[-1].append("")
                elif what == "append":
                    jatos.runs[-1][-1] += sent
                elif what == "submit":
                    jatos.runs[-1][-1] = sent
                elif what == "end":
                    jatos.ended.append("finished")
                elif what == "abort":
                    jatos.ended.append("aborted")
                    jatos.runs[-1] = []
                elif what == "batch" and not jatos.patched(json.loads(sent)):
                    return self.reply(409, jatos.told())
                return self.reply(200, jatos.told())

        super().__init__(partial(Publix, directory=str(assets)))

    def told(self):
        return json.dumps({"data": self.batch, "version": self.version}).encode()

    def patched(self, sent):
        """Only a change of the present version is made."""
        if self.meddle:
            self.meddle -= 1
            self.batch = self.batch | {sent["name"]: self.batch.get(sent["name"], 0) + 1}
            self.version += 1
        if sent["version"] != self.version:
            return False
        self.batch, self.version = self.batch | {sent["name"]: sent["value"]}, self.version + 1
        return True

    @property
    def results(self):
        """All result data in one text, as JATOS's export joins them."""
        return "\n".join(text for run in self.runs for text in run)
