"""What the tests share: an emulator for each test process, and Python programs in its environments."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator import Emulator, bare_environment

NEEDED = (
    "AZCRED_BINARY",
    "AZCRED_PYTHON_SITE",
    "AZCRED_PYTHON_TOOLS",
    "AZCRED_PYTHON_WHEEL",
    "AZCRED_PYTHON_WHEEL_OF_SDIST",
)
# A debug build takes seconds for the first request; a test has hung long before this.
PROGRAM_WITHIN = 90


def pytest_configure():
    for name in NEEDED:
        if not Path(os.environ.get(name, "")).exists():
            raise pytest.UsageError(f"{name} is not set: run `cargo xtask bindings`")


class Place:
    """Runs Python programs in an environment of the emulator, each place with a home folder of its own."""

    def __init__(self, emulator, persona, home):
        self.emulator, self.home = emulator, home
        self.environment = self._environment(persona)

    def _environment(self, persona):
        own = {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
        }
        path = {"PYTHONPATH": os.environ["AZCRED_PYTHON_SITE"], "PYTHONDONTWRITEBYTECODE": "1"}
        given = self.emulator.environment("names", persona) if persona else bare_environment(self.home)
        return given | own | path | {"AZCRED_IMDS": "never"}

    def start(self, code, *options, python=sys.executable, errors=subprocess.PIPE, **variables):
        """Starts a program. Its standard output and its errors are read as text. A variable that is None is not set."""
        return subprocess.Popen(
            [python, *options, "-c", PREFACE + code],
            cwd=self.home,
            env={name: value for name, value in (self.environment | variables).items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )

    def run(self, code, *options, python=sys.executable, **variables):
        """Runs a program to its end. Returns what it gave to `say`."""
        with self.start(code, *options, python=python, **variables) as process:
            try:
                output, errors = process.communicate(timeout=PROGRAM_WITHIN)
            except BaseException:
                process.kill()
                raise
        assert process.returncode == 0, errors
        return json.loads(output)


PREFACE = """
import json, sys
ARM = "https://management.azure.com/.default"
def say(**values):
    print(json.dumps(values), flush=True)
def claims(token):
    import base64
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
"""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with Emulator(os.environ["AZCRED_BINARY"], tmp_path_factory.mktemp("emulator")) as started:
        yield started


@pytest.fixture
def place(emulator, tmp_path):
    """Makes places: `place("sp")` is one with a service principal, `place(None)` one outside of the emulator."""

    def make(persona):
        home = tmp_path / (persona or "outside")
        home.mkdir()
        return Place(emulator, persona, home)

    return make


@pytest.fixture(scope="session")
def tools():
    """The Python of an environment with programs that build, check and use the package."""
    return os.environ["AZCRED_PYTHON_TOOLS"]


@pytest.fixture
def fault(emulator):
    """Adds a fault to the login service's tokens, or those of a tenant. All faults are removed after the test."""
    emulator.admin("DELETE", "/requests")

    def add(path="/token", **effect):
        emulator.admin("POST", "/faults", json={"service": "login", "path": path, "effect": effect})

    yield add
    emulator.admin("DELETE", "/faults")


def token_requests(emulator):
    """How many requests for a token the emulator has served since the test began."""
    served = emulator.admin("GET", "/requests")
    return sum(request["path"].endswith("/token") for request in served)
