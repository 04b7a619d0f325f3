"""GitHub's API for secrets and variables of a repository, as far as GitHub CLI uses it, behind an HTTP proxy.

GitHub CLI sends the requests of the host `github.localhost` over plain HTTP, and so through HTTP_PROXY. It seals a
secret for the repository's public key: only this server opens it. Started with GitHub CLI's environment (see
gh-requirements.in). It prints its port and the token that it accepts, and at the end of its standard input what it was
sent, as JSON.
"""

import base64
import json
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from nacl.public import PrivateKey, SealedBox

API = "http://api.github.localhost"
TOKEN = "gho_" + secrets.token_hex(18)
KEY = PrivateKey.generate()
KEY_ID = "568250167242549743"
# What each repository lets the user do.
PERMISSIONS = {"contoso/train": "WRITE", "contoso/other": "READ"}

seen = {"secrets": {}, "variables": {}, "refused": []}


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve("GET")

    def do_POST(self):
        self.serve("POST")

    def do_PUT(self):
        self.serve("PUT")

    def do_PATCH(self):
        self.serve("PATCH")

    def serve(self, method):
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        url = urlsplit(self.path)
        status, answer = self.answer(method, url.path, body)
        if f"{url.scheme}://{url.netloc}" != API or self.headers.get("authorization") != f"token {TOKEN}":
            status, answer = 401, {"message": "Bad credentials"}
        if status >= 400:
            seen["refused"].append([method, self.path, status])
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        # Without it, gh takes the server for one without permissions that it can name.
        self.send_header("x-oauth-scopes", "repo")
        self.end_headers()
        self.wfile.write(content)

    def answer(self, method, path, body):
        if path == "/graphql":
            return self.graphql(body)
        # /repos/OWNER/NAME/actions/secrets/…
        match path.split("/")[1:]:
            case ["repos", owner, name, "actions", kind, *rest] if f"{owner}/{name}" in PERMISSIONS:
                return self.of_repository(method, kind, rest, body)
        return 404, {"message": "Not Found"}

    def of_repository(self, method, kind, rest, body):
        match method, kind, rest:
            case "GET", "secrets", ["public-key"]:
                return 200, {"key_id": KEY_ID, "key": base64.b64encode(bytes(KEY.public_key)).decode()}
            case "GET", "secrets", []:
                names = [{"name": one, "updated_at": "2026-11-30T00:00:00Z"} for one in seen["secrets"]]
                return 200, {"total_count": len(names), "secrets": names}
            case "PUT", "secrets", [secret]:
                assert body["key_id"] == KEY_ID
                sealed = base64.b64decode(body["encrypted_value"])
                is_new = secret not in seen["secrets"]
                seen["secrets"][secret] = SealedBox(KEY).decrypt(sealed).decode()
                return (201, {}) if is_new else (204, None)
            case "POST", "variables", []:
                if body["name"] in seen["variables"]:
                    return 409, {"message": "Already exists - Variable already exists"}
                seen["variables"][body["name"]] = body["value"]
                return 201, {}
            case "PATCH", "variables", [variable]:
                seen["variables"][variable] = body["value"]
                return 204, None
        return 404, {"message": "Not Found"}

    def graphql(self, body):
        variables = body.get("variables") or {}
        name = f"{variables.get('owner')}/{variables.get('name')}"
        if name not in PERMISSIONS:
            missing = {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "message": f"Could not resolve to {name}.",
            }
            return 200, {"data": {"repository": None}, "errors": [missing]}
        page = f"http://github.localhost/{name}"
        repository = {"url": page, "nameWithOwner": name, "viewerPermission": PERMISSIONS[name], "id": "R_1"}
        owner, repo = name.split("/")
        return 200, {"data": {"repository": repository | {"owner": {"login": owner}, "name": repo}}}


def main():
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps({"port": server.server_address[1], "token": TOKEN}), flush=True)
        sys.stdin.read()
        server.shutdown()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
