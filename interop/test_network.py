"""Proxies that others wrote, and how others read NO_PROXY."""

import asyncio
import json
import shutil
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pproxy
import pytest
from requests.utils import should_bypass_proxies

from emulator import bare_environment

TABLE = Path(__file__).parent.parent / "crates/azcred/tests/fixtures/no_proxy.tsv"
LOCALLY = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")


@contextmanager
def running(address, behind):
    """pproxy at `address`, in front of the HTTP proxy `behind`. Returns its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        # Otherwise a client that signed in once needs no password for a month.
        options = {"rserver": [pproxy.Connection(behind)], "authtime": -1}
        return await pproxy.Server(address).start_server(options)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


def token(names, apps, address):
    """`azcred token` by Azure's names, through the proxy at `address`."""
    secret = {"AZURE_CLIENT_SECRET": apps.demo.secret}
    environment = {name: value for name, value in names.environment.items() if name not in LOCALLY}
    environment |= apps.demo.variables(names) | secret | {"ALL_PROXY": address}
    return names.emulator.azcred("token", "--output", "json", env=environment)


# pproxy compares the names of HTTP headers by case, so that it finds no password of azcred's over HTTP.
@pytest.mark.parametrize(
    ("served", "address"),
    [
        ("socks5://127.0.0.1:0", "socks5h://127.0.0.1:{port}"),
        ("socks5://127.0.0.1:0/#us:p@ss", "socks5h://us:p%40ss@127.0.0.1:{port}"),
        ("http://127.0.0.1:0", "127.0.0.1:{port}"),
    ],
)
def test_a_token_comes_through_a_proxy(served, address, names, apps):
    with running(served, names.environment["HTTPS_PROXY"]) as port:
        done = token(names, apps, address.format(port=port))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (
            "socks5h://us:hunter2@127.0.0.1:{port}",
            "closed the connection when it got the user name and the password in ALL_PROXY",
        ),
        ("socks5h://127.0.0.1:{port}", "requires a user name and a password"),
    ],
)
def test_a_socks_proxy_that_rejects_the_client_is_named(address, says, names, apps):
    with running("socks5://127.0.0.1:0/#us:p@ss", names.environment["HTTPS_PROXY"]) as port:
        done = token(names, apps, address.format(port=port))
    assert done.returncode != 0
    assert "hunter2" not in done.stderr
    assert says in json.loads(done.stderr)["error"]["why"]


def rows():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t") for line in lines if not line.startswith("#")]
    return [dict(zip(("list", "url", "curl", "requests", "go", "azcred"), row, strict=True)) for row in cells]


def test_the_table_of_no_proxy_is_what_requests_does():
    for row in rows():
        direct = should_bypass_proxies(row["url"], no_proxy=row["list"])
        assert ("direct" if direct else "proxy") == row["requests"].replace("unknown", "proxy"), row


def test_the_table_of_no_proxy_is_what_curl_does_where_all_agree(tmp_path):
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("curl is not installed")
    agreed = [row for row in rows() if row["curl"] == row["requests"] == row["go"] != "unknown"]
    assert len(agreed) > 10

    def read(row):
        """Whether curl connects to a proxy."""
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            port = proxy.getsockname()[1]
            environment = bare_environment(tmp_path) | {
                "https_proxy": f"http://127.0.0.1:{port}",
                "no_proxy": row["list"],
            }
            # Without a response, curl ends by itself: directly there is no such host, and the proxy says nothing.
            command = [curl, "--silent", "--output", "-", "--max-time", "1", row["url"]]
            subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            proxy.settimeout(0)
            try:
                proxy.accept()[0].close()
            except BlockingIOError:
                return "direct"
            return "proxy"

    with ThreadPoolExecutor(4) as pool:
        read_by_curl = list(pool.map(read, agreed))
    assert read_by_curl == [row["curl"] for row in agreed], [row["list"] for row in agreed]
