"""Makes the environments: a small company, its identities, and the pieces of an environment.

Each way to sign in leads to another identity, so that a token shows its way.
"""

import json
import socket
import stat
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from emulator import bare_environment
from keys import Certificate, Issuer

TENANT = "c0a70500-0000-4000-8000-0000000000f1"
DOMAIN = "fabrikam.com"
SUBSCRIPTION = "5ec0ffee-0001-4000-8000-0000000000f1"
ARM = "https://management.azure.com"
# Azure CLI's client id, with which users sign in (Microsoft's list of its own applications in Entra ID).
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
PASSWORD = "a pass phrase: ä, \" and '"
NOBODY = "00000000-0000-4000-8000-00000000dead"

# By their names in the table. The first is the user of Cloud Shell and of Azure ML jobs, and the emulator signs this
# user in to Azure CLI.
PEOPLE = {"Alan": "alan", "Ada": "ada", "Grace": "grace"}
APPLICATIONS = (
    *("app with a secret", "app with a certificate", "hi-ml's app", "workload"),
    *("app in Azure CLI", "app in PowerShell", "expired app", "disabled app"),
)
# The host that has the identity. The last is user-assigned, and any host may have it.
IDENTITIES = {
    "the VM itself": ("imds", "Microsoft.Compute/virtualMachines/vm"),
    "the web app itself": ("app_service", "Microsoft.Web/sites/app"),
    "the Fabric app itself": ("service_fabric", "Microsoft.ServiceFabric/managedClusters/c/applications/app"),
    "the Arc server itself": ("arc", "Microsoft.HybridCompute/machines/lab"),
    "the compute itself": ("ml_compute", "Microsoft.MachineLearningServices/workspaces/ws/computes/cpu"),
    "user-assigned": (
        'imds", "app_service", "ml_compute',
        "Microsoft.ManagedIdentity/userAssignedIdentities/id",
    ),
}


def object_id(name):
    names = [*PEOPLE, *APPLICATIONS, *IDENTITIES]
    return f"d0000002-0000-4000-8000-{names.index(name):012x}"


def client_id(name):
    return object_id(name).replace("d", "a", 1)


def who(claims):
    """The name of the token's identity."""
    names = {object_id(name): name for name in [*PEOPLE, *APPLICATIONS, *IDENTITIES]}
    name = names.get(claims["oid"], f"object {claims['oid']}")
    if claims["tid"] != TENANT:
        name += f" in tenant {claims['tid']}"
    if name not in PEOPLE and claims["appid"] != claims["oid"].replace("d", "a", 1):
        name += f" by application {claims['appid']}"
    return name


def secret(name):
    return f"{name}~is+let/in=by&this"


def seed(issuer, certificate):
    """The company as a seed of the emulator."""
    people = [
        f"""
        [[users]]
        id = "{object_id(name)}"
        user_principal_name = "{local}@{DOMAIN}"
        name = "{name}"
        password = {json.dumps(PASSWORD, ensure_ascii=False)}
        """
        for name, local in PEOPLE.items()
    ]
    proofs = dict.fromkeys(APPLICATIONS, "") | {
        "app with a certificate": f'certificates = [{{ name = "c", pem = {json.dumps(certificate.public)} }}]',
        "workload": (
            f'federated_credentials = [{{ name = "f", issuer = "{issuer.URL}", subject = "{issuer.SUBJECT}" }}]'
        ),
    }
    expires = {"expired app": "2025-01-31T00:00:00Z"}
    applications = [
        f"""
        [[applications]]
        app_id = "{client_id(name)}"
        name = "{name}"
        service_principal = {{ id = "{object_id(name)}", enabled = {str(name != "disabled app").lower()} }}
        secrets = [{{ name = "s", value = "{secret(name)}", expires = "{expires.get(name, "2099-01-01T00:00:00Z")}" }}]
        {proof}
        """
        for name, proof in proofs.items()
    ]
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
    identities = [
        f"""
        [[managed_identities]]
        id = "{object_id(name)}"
        client_id = "{client_id(name)}"
        name = "{name}"
        resource_id = "{group}/{resource}"
        hosts = ["{hosts}"]
        """
        for name, (hosts, resource) in IDENTITIES.items()
    ]
    rest = f"""
        [[tenants]]
        id = "{TENANT}"
        name = "Fabrikam"
        domains = ["{DOMAIN}"]

        [[issuers]]
        url = "{issuer.URL}"
        [[issuers.jwks.keys]]
        kid = "{issuer.jwk["kid"]}"
        kty = "RSA"
        n = "{issuer.jwk["n"]}"
        e = "{issuer.jwk["e"]}"

        [[subscriptions]]
        id = "{SUBSCRIPTION}"
        tenant = "{DOMAIN}"
        name = "Fabrikam ML"

        [[resource_groups]]
        subscription = "{SUBSCRIPTION}"
        name = "rg"
        location = "westeurope"
    """
    lines = "".join([rest, *people, *applications, *identities]).splitlines()
    return "\n".join(line.strip() for line in lines)


@dataclass
class Keys:
    """The credentials of the company's programs, and a certificate that is not registered."""

    folder: Path

    def __post_init__(self):
        self.issuer = Issuer()
        self.certificate = Certificate(self.folder, "certificate")
        self.stranger = Certificate(self.folder, "stranger")
        self.seed = self.folder / "seed.toml"
        self.seed.touch(mode=0o600)
        self.seed.write_text(seed(self.issuer, self.certificate), encoding="utf-8")


class Scene(ExitStack):
    """The company in a running emulator. Use it with `with`."""

    def __init__(self, emulator, keys, folder, arc):
        super().__init__()
        self.has_arc = arc
        self.emulator, self.keys, self.folder = emulator, keys, Path(folder)
        self.made = 0
        self.hosts = emulator.info.get("identity_hosts")
        # The folder after `az login` by the first user.
        self.azure_cli_folder = (emulator.info.get("azure_cli") or {}).get("names")
        self.base = emulator.environment("names", "no-account")
        # The port is bound, but no program listens: connections are refused, and no other program gets the port.
        closed = self.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        self.closed = f"http://127.0.0.1:{closed.getsockname()[1]}"
        # The tests must not contact the machine's own 169.254.169.254. azure-identity finds no service. azcred gets a
        # variable, as it would read this machine's firmware.
        self.no_imds = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.closed, "AZCRED_IMDS": "never"}
        user = {"grant_type": "password", "client_id": AZURE_CLI, "password": PASSWORD}
        app = {"grant_type": "client_credentials"}
        self.tokens = {
            name: self._token(user | {"username": f"{local}@{DOMAIN}"}) for name, local in PEOPLE.items()
        } | {
            name: self._token(app | {"client_id": client_id(name), "client_secret": secret(name)})
            for name in ("app in Azure CLI", "app in PowerShell")
        }

    def _token(self, form):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{self.emulator.info['login_url']}/{TENANT}/oauth2/v2.0/token",
                data={"scope": ARM + "/.default"} | form,
                verify=self.emulator.info["ca_bundle"],
                timeout=30,
            )
        assert answer.ok, answer.text
        return answer.json()["access_token"]

    def variables(self, pieces):
        """The variables of these pieces, with a separate home folder and PATH."""
        home = self._new("home")
        programs = home / "bin"
        programs.mkdir(parents=True)
        variables = {}
        for piece in pieces:
            for name, value in piece.make(self).items():
                if name in ("az", "azd", "pwsh"):
                    executable(programs / name, value)
                else:
                    variables[name] = value
        if "AZURE_POD_IDENTITY_AUTHORITY_HOST" not in variables:
            variables |= self.no_imds
        # On a machine without a display, this variable says that a browser can be opened.
        browser = executable(programs / "browser", program())
        # Each program has a separate home folder, so that none finds what another has stored.
        own = bare_environment(home) | {"PATH": str(programs), "BROWSER": browser}
        return self.base | own | variables

    def _new(self, name):
        """A new path."""
        self.made += 1
        return self.folder / f"{name}-{self.made}"

    def file(self, name, content):
        path = self._new(name)
        path.touch(mode=0o600)
        path.write_text(content, encoding="utf-8")
        return str(path)

    def answers(self, status, body, content_type="application/json", **headers):
        """The URL of a server that returns this response to every request."""

        class Always(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                content = body.encode()
                said = {"Content-Type": content_type, "Content-Length": len(content)} | headers
                for name, value in said.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = self.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Always))
        # The server checks this often whether it must end, and the caller waits for that.
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.callback(thread.join)
        self.callback(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"


def executable(path, content):
    path.write_text(content, encoding="utf-8")
    path.chmod(stat.S_IRWXU)
    return str(path)


def program(output="", error="", code=0):
    """A program with this output and exit code. It needs only a shell: there is nothing else on PATH."""

    def quoted(text):
        return "'" + text.replace("'", "'\\''") + "'"

    return (
        "#!/bin/sh\n"
        + f"printf '%s\\n' {quoted(output)}\n" * bool(output)
        + f"printf '%s\\n' {quoted(error)} >&2\n" * bool(error)
        + f"exit {code}\n"
    )


def expiry():
    return int(time.time()) + 3600


def az(scene, name, code=0, old=False):
    """The output of `az account get-access-token --output json`. Before 2.54 it had only a local time."""
    expires = expiry()
    answer = {
        "accessToken": scene.tokens[name],
        "expiresOn": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(expires)),
        **({} if old else {"expires_on": expires}),
        "subscription": SUBSCRIPTION,
        "tenant": TENANT,
        "tokenType": "Bearer",
    }
    return program(json.dumps(answer, indent=2), code=code)


def azd(scene, name):
    """The output of `azd auth token --output json`."""
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry()))
    return program(json.dumps({"token": scene.tokens[name], "expiresOn": expires}, indent=2))


def pwsh(scene, name):
    """The output of the scripts with which azure-identity and azcred run Azure PowerShell."""
    token, expires = scene.tokens[name], expiry()
    return program(f"\nazsdk%{token}%{expires}\nazcred%{token}%{expires}")


def azd_message(text):
    """azd's format of a message when JSON is requested."""
    said = {"type": "consoleMessage", "timestamp": "2026-11-21T00:00:00Z", "data": {"message": text}}
    return json.dumps(said)
