"""A company's proxy that accepts NTLM only, and a local proxy that signs in to it. Both are px."""

import json
import os
import re
import socket
import subprocess
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from emulator import bare_environment
from test_network import token

pytestmark = pytest.mark.heavy

NAME, PASSWORD = "ada", "pass-of-ada"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start(folder, arguments, variables):
    """px, at a port that it does not choose itself: if another program takes it meanwhile, px ends."""
    for _ in range(10):
        program = subprocess.Popen(
            [os.environ["AZCRED_PX"], f"--port={free_port()}", "--foreground=1", *arguments],
            cwd=folder,
            env=bare_environment(folder) | variables | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        for line in program.stdout:
            said.append(line)
            if found := re.search(r"Serving at 127\.0\.0\.1:(\d+)", line):
                return program, int(found[1])
        program.wait()
    pytest.fail(f"px ended: {''.join(said)}")


@contextmanager
def px(folder, *arguments, **variables):
    """px with these arguments. Returns its port."""
    # It reads its settings in its home and its working folder.
    folder.mkdir()
    program, port = start(folder, arguments, variables)
    with program:
        try:
            yield port
        finally:
            program.terminate()


@pytest.fixture
def company(names, tmp_path):
    """The company's proxy. It passes requests on to the emulator's."""
    behind = f"--proxy=127.0.0.1:{urlsplit(names.environment['HTTPS_PROXY']).port}"
    client = ("--client-auth=NTLM", f"--client-username={NAME}")
    with px(tmp_path / "company", behind, "--auth=NONE", *client, PX_CLIENT_PASSWORD=PASSWORD) as port:
        yield port


def test_the_proxy_is_named_with_a_fix(company, names, apps):
    done = token(names, apps, f"http://127.0.0.1:{company}")
    assert done.returncode == 6, done.stderr
    error = json.loads(done.stderr)["error"]
    assert f"http://127.0.0.1:{company} (ALL_PROXY) accepts sign-in by NTLM only" in error["why"]
    assert "start a local proxy that signs in to it, such as px or cntlm" in error["fix"]


def test_the_fix_works(company, names, apps, tmp_path):
    sign_in = ("--auth=NTLM", f"--username={NAME}")
    with px(tmp_path / "local", f"--proxy=127.0.0.1:{company}", *sign_in, PX_PASSWORD=PASSWORD) as port:
        done = token(names, apps, f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr
