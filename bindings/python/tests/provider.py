"""A provider for one user, who enters every code at once. Each refresh token has one use."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

TENANT = "0c0ffee0-0000-4000-8000-000000000000"


class Provider:
    """Use it with `with`. The first refresh is answered when the file `answers` is there."""

    def __init__(self, folder):
        self.has_come, self.answers = folder / "has-come", folder / "answers"
        self.good = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, body = provider.answer(self.path, {name: values[0] for name, values in form.items()})
                body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path, form):
        if path.endswith("/devicecode"):
            return 200, {
                "device_code": "d",
                "user_code": "ABCD-1234",
                "expires_in": 900,
                "interval": 1,
                "verification_uri": "https://microsoft.com/devicelogin",
            }
        if "refresh_token" in form:
            if form["refresh_token"] != f"refresh-{self.good}":
                text = "AADSTS70000: It was used before."
                return 400, {"error": "invalid_grant", "error_codes": [70000], "error_description": text}
            if not self.has_come.exists():
                self.has_come.touch()
                while not self.answers.exists():
                    time.sleep(0.01)
        self.good += 1
        claims = {
            "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "aud": form.get("client_id"),
            "exp": 9_999_999_999,
            "sub": "s",
            "oid": "o",
            "tid": TENANT,
        }
        return 200, {
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": "t",
            "refresh_token": f"refresh-{self.good}",
            "id_token": f"{part({'alg': 'RS256'})}.{part(claims)}.s",
            "client_info": part({"uid": "o", "utid": TENANT}),
        }

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.answers.touch()
        self.server.shutdown()
        self.server.server_close()


def part(values):
    """A part of a signed token."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
