"""What the tests share: one emulator a test process, and the applications in it."""

import os
from pathlib import Path

import pytest

import seed
from emulator import Emulator
from way import Way


def pytest_configure():
    if not Path(os.environ.get("AZCRED_BINARY", "")).is_file():
        raise pytest.UsageError("AZCRED_BINARY names no binary: run this by `cargo xtask interop`")


@pytest.fixture(scope="session")
def binary():
    return os.environ["AZCRED_BINARY"]


@pytest.fixture(scope="session")
def apps(tmp_path_factory):
    """The seed's applications by name, with their keys and certificates on disk."""
    return seed.make(tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def emulator(binary, apps, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("emulator"), apps.file) as started:
        yield started


@pytest.fixture(scope="session", params=["ports", "names"])
def way(request, emulator, apps):
    """One of the two ways into the emulator: each service on its port, or Azure's names through the proxy."""
    return Way(emulator, request.param, apps)


@pytest.fixture(scope="session")
def ports(emulator, apps):
    return Way(emulator, "ports", apps)


@pytest.fixture(scope="session")
def names(emulator, apps):
    return Way(emulator, "names", apps)
