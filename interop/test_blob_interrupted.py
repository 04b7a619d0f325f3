"""Uploads to the emulator that are cut in the middle: no part of a blob is ever seen, and the next run completes it."""

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import sys

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

import installed
import own_storage
from blob_seen import Token
from emulator import Emulator
from machine import HERE, Machine

pytestmark = pytest.mark.xdist_group("blob-programs")

CONTAINER = "uploads"
CONTENT = bytes(range(256)) * 4096  # 16 blocks


@pytest.fixture(scope="module")
def azure(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("interrupted")) as started:
        own_storage.make_containers(started, CONTAINER)
        yield started


@pytest.fixture
def faults(azure):
    yield lambda **fault: azure.admin("POST", "/faults", json={"service": "blob"} | fault)
    azure.admin("DELETE", "/faults")


@pytest.fixture
def container(azure):
    """What another client sees."""
    with ContainerClient(
        f"{azure.info['blob_url']}/{own_storage.ACCOUNT}",
        CONTAINER,
        Token(own_storage.token(azure)),
        connection_verify=azure.info["ca_bundle"],
        use_env_settings=False,
    ) as client:
        yield client


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(CONTENT)
    return path


def with_the_sdk(blob, file):
    return [sys.executable, HERE / "programs/blob_upload.py", CONTAINER, blob, file]


def with_rclone(blob, file):
    options = (
        "--azureblob-chunk-size",
        "64k",
        "--retries",
        "1",
        "--low-level-retries",
        "1",
        "--timeout",
        "2s",
    )
    remote = f":azureblob,account={own_storage.ACCOUNT},use_msi=true:{CONTAINER}/{blob}"
    return [
        os.environ["AZCRED_DEBIAN_RCLONE"],
        "copyto",
        file,
        remote,
        "--azureblob-upload-cutoff",
        "64k",
        *options,
    ]


@contextlib.contextmanager
def started(azure, persona, command):
    """Runs the program until the end of the block, and kills it."""
    process = Machine(azure, persona).start(
        *command,
        variables=own_storage.VARIABLES,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def uploaded(azure, persona, command):
    """Whether the program says that it has uploaded the file."""
    process = Machine(azure, persona).start(
        *command, variables=own_storage.VARIABLES, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = process.communicate(timeout=90)
    return process.returncode == 0, said


@pytest.mark.parametrize("effect", ["reset", "hang"])
@pytest.mark.parametrize("before", [None, b"the blob of yesterday"], ids=["new", "overwritten"])
def test_the_sdks_upload_is_cut_and_the_next_run_completes_it(azure, faults, container, file, effect, before):
    blob = container.get_blob_client(f"{effect}-{bool(before)}")
    if before:
        blob.upload_blob(before)
    faults(only_changes=True, after=5, effect={"kind": effect})
    done, said = uploaded(azure, "service-principal", with_the_sdk(blob.blob_name, file))
    assert not done, said
    azure.admin("DELETE", "/faults")
    # Five blocks are there, and no reader sees them.
    assert len(blob.get_block_list("uncommitted")[1]) == 5
    assert (blob.blob_name in container.list_blob_names()) == bool(before)
    if before:
        assert blob.download_blob().readall() == before
    else:
        assert not blob.exists()
    done, said = uploaded(azure, "service-principal", with_the_sdk(blob.blob_name, file))
    assert done, said
    assert blob.download_blob().readall() == CONTENT
    assert blob.get_block_list("uncommitted")[1] == []


@pytest.mark.heavy
def test_rclone_is_killed_in_its_upload_and_the_next_run_completes_it(azure, faults, container, file):
    if not installed.program("rclone-debian", ""):
        pytest.skip("NOT RUN: Debian's rclone is not installed")
    own_storage.assign(azure, own_storage.WRITER, own_storage.VM)
    blob = container.get_blob_client("rclone")
    faults(path="/rclone", only_changes=True, after=5, effect={"kind": "hang"})
    with started(azure, "vm", with_rclone("rclone", file)):
        # Its requests come in parallel, and each of them hangs from the sixth on.
        while len(staged(blob)) < 5:
            azure.admin("GET", f"/requests?after={last_request(azure)}&wait=5")
    azure.admin("DELETE", "/faults")
    assert not blob.exists()
    done, said = uploaded(azure, "vm", with_rclone("rclone", file))
    assert done, said
    assert blob.download_blob().readall() == CONTENT


def last_request(azure):
    return azure.admin("GET", "/requests")[-1]["number"]


def staged(blob):
    """The blocks of a blob that no list has named."""
    try:
        return blob.get_block_list("uncommitted")[1]
    except ResourceNotFoundError:
        return []


def test_a_request_that_ends_in_its_body_changes_nothing(azure, container):
    blob = container.get_blob_client("half")
    blob.upload_blob(b"old")
    context = ssl.create_default_context(cafile=azure.info["ca_bundle"])
    host = azure.info["blob_url"].removeprefix("https://")
    for path in ("half", "new", "new?comp=block&blockid=AAAA"):
        client = http.client.HTTPSConnection(host, context=context, timeout=30)
        client.putrequest("PUT", f"/{own_storage.ACCOUNT}/{CONTAINER}/{path}")
        client.putheader("Authorization", "Bearer " + own_storage.token(azure))
        client.putheader("x-ms-version", container.api_version)
        client.putheader("x-ms-blob-type", "BlockBlob")
        client.putheader("Content-Length", str(len(CONTENT)))
        client.endheaders(CONTENT[: len(CONTENT) // 2])
        client.close()
    # The next request on another connection is answered after it.
    assert blob.download_blob().readall() == b"old"
    assert not container.get_blob_client("new").exists()
    with pytest.raises(HttpResponseError, match="BlobNotFound"):
        container.get_blob_client("new").get_block_list("all")


def test_a_download_that_is_cut_goes_on(faults, container):
    blob = container.get_blob_client("download")
    blob.upload_blob(CONTENT, overwrite=True)
    faults(path="/download", count=1, effect={"kind": "cut_off"})
    assert blob.download_blob().readall() == CONTENT
