"""A program in another network namespace, as in a container, gets the tokens of `azcred serve`."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import ExitStack

import pytest

from machine import claims
from test_serve import ADA, Serving
from way import PROGRAM_WITHIN

SCOPE = "https://ml.azure.com/.default"
GET = f"from azure.identity import ManagedIdentityCredential as C; print(C().get_token('{SCOPE}').token)"

# What socat does in a container: a port for SDKs, which can't open a Unix socket.
FORWARD = """
import os, socket, subprocess, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)
def serve():
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(sys.argv[1])
        for pair in (client, server), (server, client):
            threading.Thread(target=copy, args=pair, daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
address = f"http://127.0.0.1:{listener.getsockname()[1]}/msi/token"
sys.exit(subprocess.call([sys.executable, "-c", sys.argv[2]], env=os.environ | {"IDENTITY_ENDPOINT": address}))
"""


def ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30, check=False)


class Container(ExitStack):
    """A network namespace with one way out: to an address of this computer, as a container's bridge."""

    def __enter__(self):
        if not sys.platform.startswith("linux") or not shutil.which("ip"):
            pytest.skip("CONTAINERS ARE NOT TESTED: they need Linux, and `ip` (Debian: iproute2)")
        self.name = f"azcred-{secrets.token_hex(4)}"
        made = ip("netns", "add", self.name)
        if made.returncode:
            pytest.skip(f"CONTAINERS ARE NOT TESTED: no network namespace can be made: {made.stderr.strip()}")
        # The pair of interfaces ends with the namespace.
        self.callback(ip, "netns", "delete", self.name)
        third, fourth = secrets.randbelow(256), 4 * secrets.randbelow(64)
        self.bridge, own = (f"10.213.{third}.{fourth + host}" for host in (1, 2))
        outside = f"az{secrets.token_hex(4)}"
        for step in (
            ("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.name),
            ("address", "add", f"{self.bridge}/30", "dev", outside),
            ("link", "set", outside, "up"),
            ("-n", self.name, "link", "set", "lo", "up"),
            ("-n", self.name, "address", "add", f"{own}/30", "dev", "eth0"),
            ("-n", self.name, "link", "set", "eth0", "up"),
        ):
            done = ip(*step)
            if done.returncode:
                self.close()
                pytest.skip(f"CONTAINERS ARE NOT TESTED: `ip {' '.join(step)}`: {done.stderr.strip()}")
        return self

    def run(self, *command, serving):
        """The output of a program in it, which has the variables of `azcred serve env` and no others that matter."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        given = {name: serving.inside[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command],
            env=kept | given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROGRAM_WITHIN,
            check=False,
        )


@pytest.fixture(scope="module")
def container():
    with Container() as made:
        yield made


def whose(done):
    assert done.returncode == 0, done.stderr
    return claims(done.stdout.strip())["oid"]


def test_a_program_in_a_container_reaches_the_bridges_address(azure, container, tmp_path):
    listen = ("--listen", f"{container.bridge}:0", "--allow", "https://ml.azure.com")
    with Serving(azure, "laptop", tmp_path, *listen) as serving:
        assert container.bridge in serving.inside["IDENTITY_ENDPOINT"]
        assert whose(container.run(sys.executable, "-c", GET, serving=serving)) == ADA
        serving.inside |= {"IDENTITY_HEADER": "another"}
        refused = container.run(sys.executable, "-c", GET, serving=serving)
        assert refused.returncode != 0 and not refused.stdout, refused.stdout


def test_a_port_of_loopback_is_not_reached_from_a_container(azure, container, tmp_path):
    with Serving(azure, "laptop", tmp_path) as serving:
        address = serving.inside["IDENTITY_ENDPOINT"]
        port = address.split(":")[2].split("/")[0]
        for host in ("127.0.0.1", container.bridge):
            knock = f"import socket; socket.create_connection(('{host}', {port}), 5)"
            done = container.run(sys.executable, "-c", knock, serving=serving)
            assert "ConnectionRefusedError" in done.stderr, (host, done.stderr)


def test_a_program_in_a_container_reaches_a_unix_socket(azure, container, tmp_path):
    path = tmp_path / "azcred.sock"
    with Serving(azure, "laptop", tmp_path, "--unix", str(path)) as serving:
        resource = "api-version=2019-08-01&resource=https://ml.azure.com"
        curl = shutil.which("curl")
        if curl:
            where = f"{serving.inside['IDENTITY_ENDPOINT']}?{resource}"
            header = f"X-IDENTITY-HEADER: {serving.inside['IDENTITY_HEADER']}"
            done = container.run(curl, "-sS", "--unix-socket", path, "-H", header, where, serving=serving)
            assert claims(json.loads(done.stdout)["access_token"])["oid"] == ADA, done.stderr
        # An SDK needs a port in the container that leads to the socket.
        forwarded = container.run(sys.executable, "-c", FORWARD, path, GET, serving=serving)
        assert whose(forwarded) == ADA
