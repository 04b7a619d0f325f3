"""Programs whose requests for a name of Azure are sent to a server of the user's: `emulator exec --route`."""

import http.server
import json
import sys
import threading

import pytest

from emulator import bare_environment

ACCOUNT = "myaccount.blob.core.windows.net"

# `requests` uses the proxy; Python's own client knows none, and is for a network of its own.
UPLOAD = {
    (): f"import requests; print(requests.put('https://{ACCOUNT}/c/b?comp=block', data=b'content' * 100_000).text)",
    ("--isolate",): f"""
import http.client
client = http.client.HTTPSConnection("{ACCOUNT}")
client.request("PUT", "/c/b?comp=block", body=b"content" * 100_000)
print(client.getresponse().read().decode())
""",
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen = {"host": self.headers["Host"], "path": self.path, "length": len(body)}
        said = json.dumps(seen).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("network", UPLOAD, ids=["proxy", "isolated"])
@pytest.mark.parametrize("host", [ACCOUNT, "*.blob.core.windows.net"])
def test_a_program_uploads_to_the_users_server_by_azures_name(emulator, server, tmp_path, network, host):
    exec_ = ("emulator", "exec", *network, "--route", f"{host}=http://127.0.0.1:{server}", "--")
    done = emulator.azcred(*exec_, sys.executable, "-c", UPLOAD[network], env=bare_environment(tmp_path))
    if network and "`--isolate` does not work here" in done.stderr:
        pytest.skip(f"this system permits a program no network of its own: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"host": ACCOUNT, "path": "/c/b?comp=block", "length": 700_000}
