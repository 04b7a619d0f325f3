"""Applications that trust a job and have no secret: what `azcred sp` registers, azure-identity and Azure CLI sign in
with, and what Azure CLI registers, azcred finds."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from azure_cli import AzureCli
from emulator import codes
from test_sp import SCOPE, Desk

TENANT = "c0a70500-0000-4000-8000-000000000001"
GITHUB = "https://token.actions.githubusercontent.com"
# The two forms in which GitHub writes the subjects of a repository.
PREFIXES = {"names": "repo:contoso/ml", "ids": "repo:contoso@123456/ml@456789"}
MAIN = "ref:refs/heads/main"

pytestmark = pytest.mark.xdist_group("az")

# Signs in with the token in the standard input. Prints the client id of the access token, or the error.
IDENTITY = """
import base64, json, sys
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential
token = sys.stdin.read()
tenant, client_id = sys.argv[1:]
try:
    with ClientAssertionCredential(tenant, client_id, func=lambda: token) as signed_in:
        got = signed_in.get_token("https://management.azure.com/.default").token
    claims = got.split(".")[1]
    print(json.loads(base64.urlsafe_b64decode(claims + "=="))["appid"])
except ClientAuthenticationError as error:
    print(error)
"""


class Job:
    """Jobs of a repository, and GitHub's word on their subjects."""

    def __init__(self, desk, prefix):
        self.desk, self.prefix = desk, prefix
        described = json.dumps({"use_default": True, "sub_claim_prefix": prefix}).encode()

        class Api(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-length", str(len(described)))
                self.end_headers()
                self.wfile.write(described)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        desk.variables["GITHUB_API_URL"] = f"http://127.0.0.1:{self.server.server_port}"

    def token(self, run):
        minted = {"issuer": GITHUB, "subject": f"{self.prefix}:{run}"}
        return self.desk.azure.admin("POST", "/federated-tokens", json=minted)["token"]

    def by_identity(self, client_id, run):
        command = (sys.executable, "-c", IDENTITY, TENANT, client_id)
        done = self.desk.run(*command, input=self.token(run), variables=self.desk.elsewhere)
        return done.stdout.strip()

    def by_az(self, client_id, run):
        az = AzureCli(self.desk.folder / f"az-{len(run)}", self.desk.elsewhere)
        identity = ("--username", client_id, "--tenant", TENANT, "--federated-token", self.token(run))
        return az.run("login", "--service-principal", "--allow-no-subscriptions", *identity)

    def by_azcred(self, client_id, run, code):
        file = self.desk.folder / "token"
        file.write_text(self.token(run), encoding="utf-8")
        own = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": client_id,
            "AZURE_FEDERATED_TOKEN_FILE": str(file),
        }
        return self.desk.azcred("whoami", variables=self.desk.elsewhere | own, code=code)


@pytest.fixture(params=PREFIXES)
def job(request, azure, tmp_path):
    started = Job(Desk(azure, tmp_path), PREFIXES[request.param])
    yield started
    started.server.shutdown()
    started.server.server_close()


def test_a_job_signs_in_to_every_program_after_one_command_and_one_of_another_branch_to_none(job):
    desk = job.desk
    options = ("--scope", SCOPE, "--github", "contoso/ml", "--branch", "main")
    made = desk.sp("create", desk.name, *options)
    client_id = made["clientId"]
    assert made["secret"] is None
    assert made["federatedCredential"]["credential"]["subject"] == f"{job.prefix}:{MAIN}"

    assert job.by_identity(client_id, MAIN) == client_id
    signed_in = job.by_az(client_id, MAIN)
    assert signed_in.returncode == 0, signed_in.stderr
    job.by_azcred(client_id, MAIN, code=0)

    other = "ref:refs/heads/dev"
    assert set(codes(job.by_identity(client_id, other))) == {700213}
    assert "AADSTS700213" in job.by_az(client_id, other).stderr
    told = " ".join(job.by_azcred(client_id, other, code=4).stderr.split())
    presented = f"{job.prefix}:{other}"
    assert "AADSTS700213" in told and f"--subject '{presented}'" in told

    # A person sees both sides.
    values = ("--client-id", client_id, "--issuer", GITHUB, "--subject", presented)
    compared = desk.azcred("sp", "federate", *values, "--check", "--output", "json", code=1)
    [registered] = json.loads(compared.stdout)["registered"]
    [difference] = registered["differences"]
    assert (difference["registered"], difference["presented"]) == (f"{job.prefix}:{MAIN}", presented)


def test_what_azure_cli_registers_is_found_and_what_azcred_registers_is_seen_by_azure_cli(job):
    desk = job.desk
    application = desk.az.answer("ad", "app", "create", "--display-name", desk.name)
    client_id = application["appId"]
    credential = {
        "name": "by-az",
        "issuer": GITHUB,
        "subject": f"{job.prefix}:environment:EU%3A live",
        "audiences": ["api://AzureADTokenExchange"],
    }
    of = ("ad", "app", "federated-credential")
    desk.az.answer(*of, "create", "--id", client_id, "--parameters", json.dumps(credential))
    federate = ("federate", "--client-id", client_id, "--github", "contoso/ml")
    found = desk.sp(*federate, "--environment", "EU: live")
    assert (found["done"], found["credential"]["name"]) == ("nothing", "by-az")
    made = desk.sp(*federate, "--tag", "v1")
    assert made["done"] == "created"
    listed = desk.az.answer(*of, "list", "--id", client_id)
    assert {one["subject"] for one in listed} == {
        credential["subject"],
        f"{job.prefix}:ref:refs/tags/v1",
    }


def test_a_managed_identity_trusts_a_job_too_and_azure_cli_sees_it(job):
    desk = job.desk
    group = SCOPE.split("/providers/")[0].rsplit("/", 1)[1]
    identity = desk.az.answer("identity", "create", "--name", desk.name, "--resource-group", group)
    of = ("federate", "--managed-identity", identity["id"], "--github", "contoso/ml")
    made = desk.sp(*of, "--branch", "main")
    assert (made["clientId"], made["done"]) == (identity["clientId"], "created")
    assert desk.sp(*of, "--branch", "main")["done"] == "nothing"
    command = ("identity", "federated-credential", "list", "--identity-name", desk.name)
    [seen] = desk.az.answer(*command, "--resource-group", group)
    assert seen["subject"] == f"{job.prefix}:{MAIN}"
    assert job.by_identity(identity["clientId"], MAIN) == identity["clientId"]
