"""The errors that real programs end with in troubles, piped to `azcred explain -`: it finds the cause and the fix.

No text is typed in here: each is what a program prints that an emulator brings into the trouble.
"""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import blob_servers
from azure_cli import AzureCli
from submitter import Identity, Submitter, application, python
from way import GROUP, HERE, WORKSPACE

# One process makes all texts: each emulator is started once.
pytestmark = pytest.mark.xdist_group("explain")

STRANGER = "00000000-0000-4000-8000-00000000dead"
# The variables by which a program gets to the emulator.
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
ROOTS = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
WITHIN = 110


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What a program ended with, what it must be explained as, and what the fix must have."""

    text: str
    code: str
    fix: str
    values: dict = dataclasses.field(default_factory=dict)
    # The environment in which azcred itself gets into the trouble, if it does.
    same: dict | None = None


def program(environment, name, *, modules=None, folder=None, interpreter=sys.executable):
    """What a program prints to its end, which must be a failure."""
    command = [interpreter, HERE / "programs" / "troubled.py", name]
    if modules:
        command = ["node", HERE / "programs" / "troubled.mjs", modules]
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WITHIN,
    )
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def without(environment, *names):
    return {name: value for name, value in environment.items() if name not in names}


def node_modules():
    modules = os.environ.get("AZCRED_NODE_MODULES")
    if not modules or not shutil.which("node"):
        pytest.skip("NOT RUN: Node.js or its packages are not installed")
    return modules


@pytest.fixture
def faults(emulator):
    yield lambda **fault: emulator.admin("POST", "/faults", json={"service": "login"} | fault)
    emulator.admin("DELETE", "/faults")


@pytest.fixture
def signed_in(names, apps):
    """The variables of an application of the emulator's tenant, by Azure's real names."""

    def make(app=apps.demo, secret=None, **changes):
        variables = app.variables(names) | {"AZURE_CLIENT_SECRET": secret or app.secret or ""}
        return names.environment | variables | changes

    return make


@contextmanager
def answering(status):
    """A proxy on this machine that answers each CONNECT with a status. Returns its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            self.send_response(status)
            self.send_header("Proxy-Authenticate", 'Basic realm="company"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


# --- The sign-in


def wrong_secret(signed_in, apps):
    environment = signed_in(secret="not-the-secret")
    client = {"clientId": apps.demo.client_id}
    return Trouble(
        program(environment, "default_credential"), "AADSTS7000215", "azcred sp rotate", client, environment
    )


def expired_secret(signed_in, apps):
    environment = signed_in(apps.expired)
    text = program(environment, "default_credential")
    fix = f"azcred sp rotate --client-id {apps.expired.client_id}"
    return Trouble(text, "AADSTS7000222", fix, {"clientId": apps.expired.client_id}, environment)


def unknown_application(signed_in, apps):
    environment = signed_in(dataclasses.replace(apps.demo, client_id=STRANGER))
    text = program(environment, "secret_credential")
    return Trouble(
        text, "AADSTS700016", f"az ad app show --id {STRANGER}", {"clientId": STRANGER}, environment
    )


def disabled_application(signed_in, apps):
    environment = signed_in(apps.disabled)
    text = program(environment, "default_credential")
    return Trouble(text, "AADSTS7000112", f"az ad sp update --id {apps.disabled.client_id}", {}, environment)


def wrong_tenant(signed_in):
    environment = signed_in(AZURE_TENANT_ID=STRANGER)
    return Trouble(
        program(environment, "secret_credential"), "AADSTS90002", "azcred tenant DOMAIN", {}, environment
    )


def unknown_resource(signed_in):
    text = program(signed_in(), "unknown_resource")
    resource = {"resource": "https://no-such-resource.example"}
    return Trouble(text, "AADSTS500011", "check its spelling", resource)


def federated_subject(signed_in, apps):
    assertion = apps.issuer.token(sub="repo:contoso/other:ref:refs/heads/main")
    environment = signed_in(apps.federated, ASSERTION=assertion)
    subject = {"subject": "repo:contoso/other:ref:refs/heads/main"}
    text = program(environment, "assertion_credential")
    return Trouble(text, "AADSTS700213", "--subject 'repo:contoso/other:ref:refs/heads/main'", subject)


def federated_issuer(signed_in, apps):
    environment = signed_in(apps.federated, ASSERTION=apps.issuer.token(iss="https://ci.example/x"))
    text = program(environment, "assertion_credential")
    return Trouble(text, "AADSTS700211", "azcred sp federate", {"issuer": "https://ci.example/x"})


def expired_assertion(signed_in, apps):
    environment = signed_in(apps.federated, ASSERTION=apps.issuer.token(lifetime=-300))
    text = program(environment, "assertion_credential")
    return Trouble(text, "AADSTS700024", "get a new token for every request")


def conditional_access(signed_in, faults):
    faults(effect={"kind": "aadsts", "code": 53003})
    environment = signed_in()
    return Trouble(program(environment, "default_credential"), "AADSTS53003", "sign-in log", {}, environment)


def msal_wrong_secret(signed_in, apps):
    text = program(signed_in(secret="not-the-secret"), "msal_client")
    return Trouble(text, "AADSTS7000215", "azcred sp rotate", {"clientId": apps.demo.client_id})


def node_wrong_secret(signed_in, apps):
    text = program(signed_in(secret="not-the-secret"), "", modules=node_modules())
    return Trouble(text, "AADSTS7000215", "azcred sp rotate", {"clientId": apps.demo.client_id})


def no_credentials(names):
    text = program(names.environment, "default_credential")
    return Trouble(text, "NoCredential", "azcred login")


def node_no_credentials(names):
    text = program(names.environment, "", modules=node_modules())
    return Trouble(text, "NoCredential", "azcred login")


def unknown_managed_identity(azure):
    environment = azure.environment("names", "vm") | {"AZURE_CLIENT_ID": STRANGER}
    return Trouble(program(environment, "managed_identity"), "Identity not found", "az identity list")


# --- Azure CLI


def az_signed_out(names, tmp_path):
    done = AzureCli(tmp_path / "az", names.environment).run("account", "show")
    return Trouble(done.stderr, "AzureCliSignedOut", "az login")


def az_signed_out_of_identity(names, tmp_path):
    programs = Path(os.environ["AZCRED_AZURE_CLI"]).parent
    path = os.pathsep.join((str(programs), names.environment["PATH"]))
    environment = names.environment | {"PATH": path, "AZURE_CONFIG_DIR": str(tmp_path / "az")}
    return Trouble(program(environment, "azure_cli_credential"), "AzureCliSignedOut", "az login")


def az_wrong_password(world, tmp_path):
    az = AzureCli(tmp_path / "az", world.way("names", "no-account").environment)
    done = az.run("login", "--username", world.people.grace.name, "--password", "wrong")
    return Trouble(done.stderr, "AADSTS50126", "az login")


def az_second_factor(world, tmp_path):
    az = AzureCli(tmp_path / "az", world.way("names", "no-account").environment)
    person = world.people.katherine
    done = az.run("login", "--username", person.name, "--password", person.password)
    return Trouble(done.stderr, "AADSTS50076", "az login")


def az_revoked(world, az, tmp_path):
    folder = shutil.copytree(az.user.folder, tmp_path / "az")
    world.emulator.admin(
        "POST", "/faults", json={"service": "login", "effect": {"kind": "aadsts", "code": 50173}}
    )
    try:
        copy = dataclasses.replace(az.user, folder=folder)
        done = copy.run("account", "get-access-token", "--resource", "https://vault.azure.net")
    finally:
        world.emulator.admin("DELETE", "/faults")
    return Trouble(done.stderr, "AADSTS50173", "az login")


def az_damaged_files(az, tmp_path):
    folder = shutil.copytree(az.user.folder, tmp_path / "az")
    (folder / "azureProfile.json").write_text('{"subscriptions": [', encoding="utf-8")
    done = dataclasses.replace(az.user, folder=folder).run("account", "show")
    return Trouble(done.stderr, "JSONDecodeError", "az login")


# --- The network


def unknown_name(names):
    account = {"ACCOUNT_URL": "https://stnope.azcred.invalid", "ACCOUNT_KEY": blob_servers.AZURITES_KEY}
    account["ACCOUNT_NAME"] = "stnope"
    environment = without(names.environment, *PROXIES) | account
    return Trouble(
        program(environment, "blobs_by_key"), "ENOTFOUND", "name servers", {"host": "stnope.azcred.invalid"}
    )


def closed_proxy(signed_in):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    environment = signed_in(HTTPS_PROXY=f"http://127.0.0.1:{port}", https_proxy=f"http://127.0.0.1:{port}")
    return Trouble(program(environment, "secret_credential"), "ProxyError", "HTTPS_PROXY")


def proxy_with_a_password(signed_in):
    with answering(407) as address:
        environment = signed_in(HTTPS_PROXY=address, https_proxy=address)
        text = program(environment, "secret_credential")
    return Trouble(text, "ProxyAuthenticationRequired", "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT")


def untrusted(signed_in):
    text = program(without(signed_in(), *ROOTS), "secret_credential")
    return Trouble(text, "CERTIFICATE_VERIFY_FAILED", "REQUESTS_CA_BUNDLE")


def node_untrusted(signed_in):
    text = program(without(signed_in(), *ROOTS), "", modules=node_modules())
    # MSAL for Node does not say that it is the certificate.
    return Trouble(text, "network_error", "NODE_EXTRA_CA_CERTS")


# --- The workspace and its data


def workspace_of(signed_in, apps, app, **changes):
    found = {"SUBSCRIPTION": apps.subscription, "RESOURCE_GROUP": GROUP, "WORKSPACE": WORKSPACE}
    return signed_in(app, **found | changes)


def no_role(signed_in, apps):
    environment = workspace_of(signed_in, apps, apps.nothing)
    action = {
        "action": "Microsoft.MachineLearningServices/workspaces/read",
        "subscription": apps.subscription,
    }
    return Trouble(program(environment, "workspace"), "AuthorizationFailed", "azcred role assign", action)


def unknown_workspace(signed_in, apps):
    environment = workspace_of(signed_in, apps, apps.contributor, WORKSPACE="nope")
    found = {"workspace": "nope", "resourceGroup": GROUP}
    return Trouble(program(environment, "workspace"), "ResourceNotFound", "azcred workspace list", found)


def unknown_group(signed_in, apps):
    environment = workspace_of(signed_in, apps, apps.contributor, RESOURCE_GROUP="rg-nope")
    return Trouble(program(environment, "workspace"), "ResourceGroupNotFound", "azcred workspace list")


def unknown_subscription(signed_in, apps):
    environment = workspace_of(signed_in, apps, apps.contributor, SUBSCRIPTION=STRANGER)
    return Trouble(program(environment, "workspace"), "SubscriptionNotFound", "azcred subscription list")


def no_config(signed_in, tmp_path):
    text = program(signed_in(), "config_of_nothing", folder=tmp_path)
    return Trouble(text, "ConfigNotFound", "azcred workspace use")


def account(accounts, name, app, **changes):
    variables = {
        "AZURE_TENANT_ID": accounts.accounts.tenant,
        "AZURE_CLIENT_ID": app.client_id,
        "AZURE_CLIENT_SECRET": app.secret,
        "ACCOUNT_URL": f"https://{name}.blob.core.windows.net",
        "ACCOUNT_NAME": name,
        "ACCOUNT_KEY": blob_servers.AZURITES_KEY,
    }
    return accounts.emulator.environment("names", "no-account") | variables | changes


def no_data_role(accounts):
    environment = account(accounts, blob_servers.KEYS, accounts.accounts.nothing)
    text = program(environment, "blobs_by_identity")
    # Storage's error does not name the account, so the reader does.
    return Trouble(text, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor")


def keys_are_off(accounts):
    key = accounts.key(blob_servers.NO_KEYS)
    environment = account(accounts, blob_servers.NO_KEYS, accounts.accounts.writer, ACCOUNT_KEY=key)
    text = program(environment, "blobs_by_key")
    return Trouble(text, "KeyBasedAuthenticationNotPermitted", "identity with a data role")


def wrong_key(accounts):
    environment = account(accounts, blob_servers.KEYS, accounts.accounts.writer)
    return Trouble(
        program(environment, "blobs_by_key"), "AuthenticationFailed", "az storage account keys list"
    )


def behind_a_firewall(accounts):
    environment = account(accounts, blob_servers.FIREWALL, accounts.accounts.writer)
    text = program(environment, "blobs_by_identity")
    return Trouble(text, "AuthorizationFailure", "az storage account network-rule add")


def nobody(accounts):
    environment = account(accounts, blob_servers.KEYS, accounts.accounts.writer)
    return Trouble(program(environment, "blobs_by_nobody"), "NoAuthenticationInformation", "credential")


def hi_ml_without_a_role(workplace, tmp_path):
    desk = Submitter(workplace, tmp_path).with_project("hi-ml")
    identity = application(workplace, "azcred-noroles")
    names = {
        "HIML_TENANT_ID": "AZURE_TENANT_ID",
        "HIML_SERVICE_PRINCIPAL_ID": "AZURE_CLIENT_ID",
        "HIML_SERVICE_PRINCIPAL_PASSWORD": "AZURE_CLIENT_SECRET",
    }
    variables = {name: identity.variables[other] for name, other in names.items()}
    identity = dataclasses.replace(identity, variables=variables)
    script = (python("AZCRED_HI_ML"), "train.py", "--azureml")
    said = desk.end(desk.start(*script, identity=identity), refused=True)
    return Trouble(said.stdout + said.stderr, "AuthorizationFailed", "azcred role assign")


def kedro_without_a_role(workplace, tmp_path):
    desk = Submitter(workplace, tmp_path)
    kedro = python("AZCRED_KEDRO").with_name("kedro")
    new = ("new", "--starter", HERE / "projects" / "kedro", "--name", "Training", "--telemetry", "no")
    desk.submit(kedro, *new, identity=Identity("no-account"))
    run = desk.start(
        *(kedro, "azureml", "run", "-j", "main"),
        cwd=desk.folder / "training",
        identity=application(workplace, "azcred-noroles"),
    )
    said = desk.end(run, refused=True)
    return Trouble(said.stdout + said.stderr, "AuthorizationFailed", "azcred role assign")


TROUBLES = [
    *(
        wrong_secret,
        expired_secret,
        unknown_application,
        disabled_application,
        wrong_tenant,
        unknown_resource,
    ),
    *(federated_subject, federated_issuer, expired_assertion, conditional_access),
    *(msal_wrong_secret, node_wrong_secret, no_credentials, node_no_credentials, unknown_managed_identity),
    *(az_signed_out, az_signed_out_of_identity, az_wrong_password, az_second_factor, az_revoked),
    *(az_damaged_files, unknown_name, closed_proxy, proxy_with_a_password, untrusted, node_untrusted),
    *(no_role, unknown_workspace, unknown_group, unknown_subscription, no_config),
    *(no_data_role, keys_are_off, wrong_key, behind_a_firewall, nobody),
    *(hi_ml_without_a_role, kedro_without_a_role),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_the_error_of_a_program_is_explained(trouble, emulator, request):
    names = trouble.__code__.co_varnames[: trouble.__code__.co_argcount]
    made = trouble(*(request.getfixturevalue(name) for name in names))
    done = emulator.azcred("explain", "-", "--output", "json", input=made.text)
    assert done.returncode == 0, made.text + done.stderr
    explained = json.loads(done.stdout)
    assert explained["code"] == made.code, made.text + done.stdout
    assert made.fix in explained["fix"], done.stdout
    assert explained["values"] | made.values == explained["values"], made.text + done.stdout
    if made.same is not None:
        said = emulator.azcred("token", "--output", "json", env=made.same)
        error = json.loads(said.stderr)["error"]
        # azcred also knows what the text does not say, such as the variable with the secret.
        commands = error["fix"].split("`")[1::2]
        assert (error["code"], commands) == (explained["code"], explained["commands"]), said.stderr
