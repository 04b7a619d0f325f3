"""azure-identity, MSAL and azure-ai-ml get the identity of their host, in each persona's environment."""

import json
import os
import subprocess
import sys

import jwt
import pytest

import arc_agent
from emulator import Emulator
from way import ARM, HERE, PROGRAM_WITHIN

AGENTS_FOLDER = arc_agent.FOLDER
GROUP = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
ADA = "e0000001-0000-4000-8000-000000000001"
TRAIN = "a0000001-0000-4000-8000-000000000101"
LOOK = "a0000001-0000-4000-8000-000000000102"
SPARE = "a0000001-0000-4000-8000-000000000103"
LOOK_RESOURCE = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-contoso-look"

# The default identity of a program: a client id, or a user.
OWN = {
    "aks": "a0000001-0000-4000-8000-00000000000c",
    "azureml-compute": TRAIN,
    "app-service": "a0000001-0000-4000-8000-000000000112",
    "service-fabric": "a0000001-0000-4000-8000-000000000113",
    "vm": "a0000001-0000-4000-8000-000000000111",
    "arc": "a0000001-0000-4000-8000-000000000114",
    "cloud-shell": ADA,
}


@pytest.fixture(scope="module")
def agents_folder():
    """Azure Arc's own folder, which is created if possible, for as long as the emulator runs."""
    with arc_agent.agents_folder() as there:
        yield there


@pytest.fixture(scope="module")
def contoso(binary, agents_folder, tmp_path_factory):
    """An emulator with the default seed, as a new user finds it."""
    with Emulator(binary, tmp_path_factory.mktemp("contoso")) as started:
        yield started


class Host:
    """A host by its persona. It runs programs."""

    def __init__(self, emulator, persona, way):
        self.emulator, self.persona = emulator, persona
        self.environment = emulator.environment(way, persona)
        self.by_ports = way == "ports"
        self.arm = emulator.info["arm_url"] if self.by_ports else ARM

    def run(self, credential, scope=ARM + "/.default", **arguments):
        # The cluster's clients check the authority, which by ports is not one of Microsoft's.
        if self.persona == "aks" and self.by_ports:
            arguments["disable_instance_discovery"] = True
        job = {
            "credential": credential,
            "arguments": arguments,
            "scope": scope,
            "url": f"{self.arm}{WORKSPACE}?api-version=2024-04-01",
        }
        done = subprocess.run(
            [sys.executable, HERE / "programs" / "host_identity.py"],
            input=json.dumps(job),
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PROGRAM_WITHIN,
        )
        assert done.returncode == 0, f"{done.stderr}\n--- emulator:\n{self.emulator.said()}"
        return json.loads(done.stdout)


def reachable(persona):
    if persona == "arc" and not os.access(AGENTS_FOLDER, os.W_OK):
        pytest.skip(f"ARC IS NOT TESTED: clients look for its keys in {AGENTS_FOLDER} only, which needs root")


def who(answer):
    assert "token" in answer, answer
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    return claims["oid"] if claims["idtyp"] == "user" else claims["appid"]


@pytest.mark.parametrize(("credential", "way"), [("managed", "ports"), ("default", "names")])
@pytest.mark.parametrize("persona", OWN)
def test_a_program_gets_the_identity_of_its_host(persona, credential, way, contoso):
    reachable(persona)
    answer = Host(contoso, persona, way).run(credential)
    assert who(answer) == OWN[persona]
    assert answer["status"] == 200


@pytest.mark.parametrize("persona", ["vm", "app-service", "service-fabric", "azureml-compute", "arc"])
def test_msal_alone_gets_the_identity_of_its_host(persona, contoso):
    reachable(persona)
    answer = Host(contoso, persona, "names").run("msal")
    assert (who(answer), answer["status"]) == (OWN[persona], 200)


@pytest.mark.parametrize("way", ["ports", "names"])
def test_a_job_gets_the_identity_of_the_user_who_submitted_it(way, contoso):
    answer = Host(contoso, "azureml-job", way).run("on behalf of")
    assert (who(answer), answer["status"]) == (ADA, 200)


@pytest.mark.parametrize("persona", ["vm", "app-service", "arc"])
@pytest.mark.parametrize(
    "choice",
    [
        {"client_id": LOOK},
        {"identity_config": {"object_id": LOOK.replace("a", "d", 1)}},
        {"identity_config": {"resource_id": LOOK_RESOURCE}},
    ],
    ids=["client id", "object id", "resource id"],
)
def test_a_program_chooses_an_identity_by_its(choice, persona, contoso):
    reachable(persona)
    answer = Host(contoso, persona, "names").run("managed", **choice)
    assert (who(answer), answer["status"]) == (LOOK, 200)


def test_a_compute_accepts_only_a_client_id(contoso):
    host = Host(contoso, "azureml-compute", "names")
    assert who(host.run("managed", client_id=TRAIN)) == TRAIN
    # The host's error is a text, and azure-identity expects JSON, at a real compute too.
    refused = host.run("managed", client_id=SPARE)
    assert refused["error"] == "JSONDecodeError", refused


@pytest.mark.parametrize(
    ("persona", "words"),
    [
        ("vm", "Identity not found"),
        ("app-service", "No User Assigned or Delegated Managed Identity found"),
        ("arc", "Identity not found"),
    ],
)
def test_an_identity_that_the_host_does_not_have_is_rejected(persona, words, contoso):
    reachable(persona)
    refused = Host(contoso, persona, "names").run("managed", client_id=SPARE)
    assert words in refused["message"], refused


def test_imds_passes_on_entra_ids_rejection(contoso):
    refused = Host(contoso, "vm", "names").run("managed", scope="https://nobody.example/.default")
    assert "AADSTS500011" in refused["message"], refused


@pytest.fixture
def faults(contoso):
    yield lambda *all: contoso.admin("POST", "/faults", json=list(all))
    contoso.admin("DELETE", "/faults")


def test_a_temporary_failure_of_imds_is_retried(contoso, faults):
    # azure-identity makes the second attempt at once.
    faults({"service": "imds", "count": 1, "effect": {"kind": "status", "status": 410}})
    assert who(Host(contoso, "vm", "names").run("managed")) == OWN["vm"]


@pytest.mark.parametrize(
    "effect",
    [{"kind": "status", "status": 403}, {"kind": "html"}],
    ids=["Docker Desktop's answer", "a sign-in page"],
)
def test_an_invalid_response_means_that_there_is_no_imds(effect, contoso, faults):
    faults({"service": "imds", "effect": effect})
    answer = Host(contoso, "vm", "names").run("managed")
    assert answer["error"] == "CredentialUnavailableError", answer
