"""Programs get the tokens of `azcred serve`: a person's and a service principal's."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading

import jwt
import pytest

from emulator import Emulator
from way import ARM, HERE, PROGRAM_WITHIN

GROUP = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
# The identity of each persona: a user's object id, or an application's client id.
ADA = "e0000001-0000-4000-8000-000000000001"
DEMO = "a0000001-0000-4000-8000-000000000001"
SPARE = "a0000001-0000-4000-8000-000000000103"
READY_WITHIN = 60
NODE = """
const { DefaultAzureCredential, ManagedIdentityCredential } = require('@azure/identity');
const [kind, scope, options] = JSON.parse(process.argv[1]);
const made = kind === 'managed' ? new ManagedIdentityCredential(options) : new DefaultAzureCredential(options);
made.getToken(scope).then(
  (got) => console.log(JSON.stringify({ token: got.token, expires: got.expiresOnTimestamp })),
  (error) => console.log(JSON.stringify({ error: error.name, message: error.message })));
"""


class Serving:
    """`azcred serve` as a process. Use it with `with`."""

    def __init__(self, emulator, persona, home, *arguments):
        self.emulator = emulator
        own = {"HOME": str(home), "USERPROFILE": str(home), "AZCRED_HOME": str(home / "azcred")}
        self.environment = emulator.environment("names", persona) | own
        self.arguments = arguments

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.emulator.binary, "serve", "-o", "json", *self.arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            lines = queue.Queue()
            threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
            assert lines.get(timeout=READY_WITHIN), self.process.stderr.read()
            done = subprocess.run(
                [self.emulator.binary, "serve", "env", "-o", "json"],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=PROGRAM_WITHIN,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        except BaseException:
            self.__exit__()
            raise
        changes = json.loads(done.stdout)
        inside = {name: value for name, value in self.environment.items() if name not in changes["unset"]}
        # Nothing else can sign in here.
        inside.pop("AZURE_CONFIG_DIR", None)
        self.inside = inside | changes["set"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.log = self.process.communicate(timeout=PROGRAM_WITHIN)[1]

    def python(self, credential, scope, **arguments):
        job = {
            "credential": credential,
            "arguments": arguments,
            "scope": scope,
            "url": f"{ARM}{WORKSPACE}?api-version=2024-04-01",
        }
        return self.run([sys.executable, HERE / "programs" / "host_identity.py"], json.dumps(job))

    def node(self, kind, scope, **options):
        modules = os.environ.get("AZCRED_NODE_MODULES")
        if not (modules and shutil.which("node")):
            pytest.skip("NODE IS NOT TESTED: it is not installed")
        self.inside["NODE_PATH"] = modules
        return self.run([shutil.which("node"), "-e", NODE, json.dumps([kind, scope, options])])

    def run(self, command, text=None):
        done = subprocess.run(
            command,
            input=text or "",
            env=self.inside,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PROGRAM_WITHIN,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def contoso(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("contoso")) as started:
        yield started


@pytest.fixture(
    scope="module", params=[("laptop", ADA), ("service-principal", DEMO)], ids=["person", "application"]
)
def serving(request, contoso, tmp_path_factory):
    persona, identity = request.param
    with Serving(contoso, persona, tmp_path_factory.mktemp("home")) as serving:
        serving.identity = identity
        yield serving


def who(answer):
    assert "token" in answer, answer
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    return claims["oid"] if claims["idtyp"] == "user" else claims["appid"]


@pytest.mark.parametrize("credential", ["managed", "managed async", "default", "msal"])
def test_a_python_program_has_the_identity_of_azcred_serve(credential, serving):
    answer = serving.python(credential, ARM + "/.default")
    assert (who(answer), answer["status"]) == (serving.identity, 200)


@pytest.mark.parametrize("kind", ["managed", "default"])
def test_a_node_program_has_the_identity_of_azcred_serve(kind, serving):
    answer = serving.node(kind, ARM + "/.default")
    assert who(answer) == serving.identity
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    assert answer["expires"] / 1000 == pytest.approx(claims["exp"], abs=30)


def test_programs_show_why_there_is_no_token_and_the_fix(serving):
    for scope, arguments, words in [
        ("https://graph.microsoft.com/.default", {}, "--allow https://management.azure.com,"),
        (ARM + "/.default", {"client_id": SPARE}, "AZURE_CLIENT_ID"),
    ]:
        for credential in ["managed", "managed async"]:
            refused = serving.python(credential, scope, **arguments)
            assert words in refused["message"], refused
    refused = serving.node("managed", "https://graph.microsoft.com/.default")
    assert "--allow https://management.azure.com," in refused["message"], refused


def test_a_program_that_names_the_own_identity_gets_its_token(contoso, tmp_path):
    with Serving(contoso, "service-principal", tmp_path) as serving:
        serving.inside["AZURE_CLIENT_ID"] = DEMO
        assert who(serving.python("default", ARM + "/.default")) == DEMO
        serving.inside["AZURE_CLIENT_ID"] = SPARE
        refused = serving.python("default", ARM + "/.default")
        assert SPARE in refused["message"] and DEMO in refused["message"], refused
    assert " token client=127.0.0.1:" in serving.log and "rejected (400)" in serving.log, serving.log


def test_azure_machine_learnings_protocol_serves_the_same_token(contoso, tmp_path):
    with Serving(contoso, "laptop", tmp_path, "--msi") as serving:
        for name in ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]:
            del serving.inside[name]
        for credential in ["managed", "managed async", "msal"]:
            answer = serving.python(credential, ARM + "/.default")
            assert (who(answer), answer["status"]) == (ADA, 200)
        assert who(serving.node("managed", ARM + "/.default")) == ADA
