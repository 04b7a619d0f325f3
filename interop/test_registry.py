"""Programs of others push, list, pull and delete images in the emulator's container registry, unmodified: with roles
for it, with a role that only pulls, and without one. Then the program itself says what Azure says.
"""

import hashlib
import io
import json
import shutil
import tarfile

import pytest

import own_services
import own_storage
from emulator import Emulator
from machine import Machine

pytestmark = pytest.mark.xdist_group("registry")

PROGRAM = """
import io, json, sys
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential

client = ContainerRegistryClient("https://crcontosoml.azurecr.io", DefaultAzureCredential())
name, known = sys.argv[1], "shared/hello"
layer = b"a layer" * 1_000_000

def push():
    config, size = client.upload_blob(name, io.BytesIO(b"{}"))
    content, length = client.upload_blob(name, io.BytesIO(layer))
    media = "application/vnd.oci.image.{}.v1+json".format
    manifest = {
        "schemaVersion": 2,
        "mediaType": media("manifest"),
        "config": {"mediaType": media("config"), "digest": config, "size": size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": content, "size": length}],
    }
    return client.set_manifest(name, manifest, tag="v1")[:7]

def pull():
    found = client.get_manifest(known, "v1")
    (one,) = found.manifest["layers"]
    got = b"".join(client.download_blob(known, one["digest"]))
    return [found.media_type, got == layer, found.digest == client.get_tag_properties(known, "v1").digest]

steps = {
    "push": push,
    "pull": pull,
    "catalog": lambda: known in client.list_repository_names(),
    "tags": lambda: [one.name for one in client.list_tag_properties(known)],
    "manifests": lambda: [one.tags for one in client.list_manifest_properties(known)],
    "properties": lambda: client.get_repository_properties(known).manifest_count,
    "missing": lambda: client.get_manifest(known, "v2").digest,
    "delete": lambda: client.delete_repository(name),
}
if name == known:
    steps.pop("delete")
came = {}
for step, do in steps.items():
    try:
        came[step] = do()
    except HttpResponseError as error:
        came[step] = error.status_code
print(json.dumps(came))
"""
SHOWN = ["application/vnd.oci.image.manifest.v1+json", True, True]
LISTS = {"catalog": True, "tags": ["v1"], "manifests": [["v1"]], "properties": 1, "missing": 404}


@pytest.fixture(scope="module")
def azure(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("registry")) as started:
        # azcred-contributor may push and delete already.
        principal = own_services.object_id(started, own_services.DEMO)
        own_services.assign(started, own_services.ACR_PULL, principal, own_services.REGISTRY)
        own_services.python(started, own_services.CONTRIBUTOR, PROGRAM, "shared/hello")
        yield started


def test_a_contributor_pushes_pulls_and_deletes(azure):
    came = own_services.python(azure, own_services.CONTRIBUTOR, PROGRAM, "team/hello")
    assert came == LISTS | {"push": "sha256:", "pull": SHOWN, "delete": None}


def test_a_puller_pulls_only(azure):
    came = own_services.python(azure, own_services.DEMO, PROGRAM, "team/other")
    assert came == LISTS | {"push": 401, "pull": SHOWN, "delete": 401}


def test_a_program_without_a_role_gets_no_token(azure):
    came = own_services.python(azure, own_services.NO_ROLES, PROGRAM, "team/other")
    assert set(came.values()) == {401}


def as_application(azure, application):
    """Signs in to Azure CLI as an application."""
    client_id, secret = own_storage.secret(azure, application)
    who = '--service-principal --username "$1" --password "$2" --tenant "$3"'
    login = f"az login --output none --allow-no-subscriptions {who}"
    return login, (client_id, secret, azure.info["tenant"]["id"])


WITH_WARNINGS = "az acr login --name crcontosoml --expose-token --output json"
LOGIN = f"{WITH_WARNINGS} --only-show-errors"


@pytest.mark.heavy
def test_azure_cli_gets_a_token_and_lists_images(azure):
    laptop = Machine(azure, "laptop")
    found = json.loads(laptop.run("sh", "-c", LOGIN))
    assert found["loginServer"] == own_services.SERVER
    listed = laptop.run("az", "acr", "repository", "list", "--name", "crcontosoml", "--output", "json")
    assert "shared/hello" in json.loads(listed)
    tags = ("az", "acr", "repository", "show-tags", "--name", "crcontosoml", "--repository", "shared/hello")
    assert json.loads(laptop.run(*tags, "--output", "json")) == ["v1"]
    # One who sees the subscription, and has no right at the registry.
    principal = own_services.object_id(azure, own_services.NO_ROLES)
    own_services.assign(azure, own_services.VAULT_CONTRIBUTOR, principal, own_services.SUBSCRIPTION)
    login, arguments = as_application(azure, own_services.NO_ROLES)
    code, out = own_services.said(
        Machine(azure, "no-account"), "sh", "-c", f"{login} && {WITH_WARNINGS}", "sh", *arguments
    )
    assert (
        code != 0 and f"Access to registry '{own_services.SERVER}' was denied. Response code: 401" in out
    ), out


def layout(folder):
    """A tiny image as an OCI layout."""

    def blob(content):
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("hello")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    layer = blob(packed.getvalue())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    kind = "application/vnd.oci.image.{}"
    manifest = {
        "schemaVersion": 2,
        "config": blob(json.dumps(config).encode()) | {"mediaType": kind.format("config.v1+json")},
        "layers": [layer | {"mediaType": kind.format("layer.v1.tar")}],
    }
    named = blob(json.dumps(manifest).encode()) | {
        "mediaType": kind.format("manifest.v1+json"),
        "annotations": {"org.opencontainers.image.ref.name": "v1"},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def refresh_token(azure, application):
    program = """
import json, os, requests
from azure.identity import DefaultAzureCredential
token = DefaultAzureCredential().get_token("https://containerregistry.azure.net/.default").token
form = {"grant_type": "access_token", "service": "crcontosoml.azurecr.io", "access_token": token}
print(json.dumps(requests.post("https://crcontosoml.azurecr.io/oauth2/exchange", data=form).json()))
"""
    return own_services.python(azure, application, program)["refresh_token"]


@pytest.mark.skipif(not shutil.which("skopeo"), reason="NOT RUN: skopeo is not installed")
def test_skopeo_pushes_lists_and_pulls_an_image(azure, tmp_path):
    layout(tmp_path / "image")
    image = f"docker://{own_services.SERVER}/skopeo/hello"
    machine = Machine(azure, "no-account")

    def skopeo(application, *command):
        login = f"00000000-0000-0000-0000-000000000000:{refresh_token(azure, application)}"
        option = "--dest-creds" if command[-1].startswith("docker") and command[0] == "copy" else "--creds"
        option = "--src-creds" if command[0] == "copy" and command[-1].startswith("oci") else option
        return own_services.said(machine, shutil.which("skopeo"), command[0], option, login, *command[1:])

    source = f"oci:{tmp_path / 'image'}:v1"
    code, out = skopeo(own_services.CONTRIBUTOR, "copy", "--preserve-digests", source, f"{image}:v1")
    assert code == 0, out
    code, out = skopeo(own_services.DEMO, "list-tags", image)
    assert code == 0 and json.loads(out)["Tags"] == ["v1"], out
    code, out = skopeo(
        own_services.DEMO, "copy", "--preserve-digests", f"{image}:v1", f"oci:{tmp_path / 'back'}:v1"
    )
    assert code == 0, out
    blobs = [
        sorted(one.name for one in (tmp_path / name / "blobs/sha256").iterdir()) for name in ("image", "back")
    ]
    assert blobs[0] == blobs[1]
    # A role that pulls does not push.
    code, out = skopeo(own_services.DEMO, "copy", source, f"{image}:v2")
    assert code != 0 and "unauthorized" in out, out
