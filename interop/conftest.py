"""What the tests share: one emulator for each test process, and its applications."""

import os
from pathlib import Path

import pytest

import azurite
import blob_servers
import own_storage
import people
import seed
from arc_agent import agents_folder
from azure_cli import AzureCli, SignedIn
from browser import Browser
from emulator import Emulator
from machine import MACHINES, Machine
from scene import Keys, Scene
from way import Way


def pytest_configure():
    programs = {
        "AZCRED_BINARY": "the binary",
        "AZCRED_AZURE_CLI": "the Azure CLI",
        "AZCRED_RUST_CLIENTS": "the clients in Rust",
        "AZCRED_SDK_V1": "the Python with Azure ML's SDK v1",
        "AZCRED_AZURE_AI_ML": "the Python with azure-ai-ml",
        "AZCRED_HI_ML": "the Python with hi-ml-azure",
        "AZCRED_KEDRO": "the Python with kedro-azureml-pipeline",
    }
    for name, what in programs.items():
        if not Path(os.environ.get(name, "")).is_file():
            raise pytest.UsageError(f"{name} must name {what}: run `cargo xtask interop`")


@pytest.fixture(scope="session")
def binary():
    return os.environ["AZCRED_BINARY"]


@pytest.fixture(scope="session")
def apps(tmp_path_factory):
    """The seed's applications by name, with their keys and certificates as files."""
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


@pytest.fixture(scope="session")
def azure(binary, tmp_path_factory):
    """An emulator with the built-in tenant, where each machine has an account."""
    with agents_folder(), Emulator(binary, tmp_path_factory.mktemp("azure")) as started:
        yield started


@pytest.fixture(scope="session")
def workplace(binary, tmp_path_factory):
    """The same for those who submit jobs: no test changes what they may do."""
    with Emulator(binary, tmp_path_factory.mktemp("workplace")) as started:
        yield started


@pytest.fixture(scope="session")
def untouched(binary, tmp_path_factory):
    """The same, and no test changes anything in it."""
    with Emulator(binary, tmp_path_factory.mktemp("untouched")) as started:
        yield started


@pytest.fixture(scope="session")
def storage(azure):
    """The variables of that emulator's Blob Storage, where each account may write."""
    own_storage.for_everyone(azure)
    return own_storage.VARIABLES


@pytest.fixture(scope="session")
def routed(azure, tmp_path_factory):
    """Azurite, to which a program's names of Azure lead by `--route`."""
    with azurite.started(azure, tmp_path_factory.mktemp("azurite")) as started:
        started.make_data(azure)
        yield started


@pytest.fixture(scope="session")
def accounts(binary, tmp_path_factory):
    """An emulator with storage accounts that accept different callers."""
    folder = tmp_path_factory.mktemp("accounts")
    made = blob_servers.make(folder)
    with Emulator(binary, folder, made.file) as emulator:
        yield blob_servers.World(emulator, made)


@pytest.fixture(scope="module", params=MACHINES)
def machine(request, azure):
    """Each machine in that emulator."""
    return Machine(azure, request.param)


@pytest.fixture(scope="module")
def account(machine):
    """The object id of the machine's account."""
    return machine.account()


@pytest.fixture(scope="session")
def world(binary, tmp_path_factory):
    """An emulator with users and CI systems."""
    folder = tmp_path_factory.mktemp("people")
    made = people.make(folder)
    with Emulator(binary, folder, made.file) as started:
        yield people.World(started, made)


@pytest.fixture(scope="module")
def scene(binary, tmp_path_factory):
    """Makes the environments in which programs are compared."""
    folder = tmp_path_factory.mktemp("scene")
    keys = Keys(folder)
    with (
        agents_folder() as arc,
        Emulator(binary, tmp_path_factory.mktemp("emulator"), keys.seed) as emulator,
        Scene(emulator, keys, folder, arc) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def az(world, tmp_path_factory):
    """Azure CLI, signed in by Azure's real names: as Ada in one folder, as the application `deployer` in another."""
    folder = tmp_path_factory.mktemp("az")
    environment = world.way("names", "no-account").environment
    user = AzureCli(folder / "user", environment)
    user.login_user(world.people.ada)
    application = AzureCli(folder / "service-principal", environment)
    application.login_service_principal(world.people.client_id, world.people.secret, world.people.home)
    return SignedIn(user, application)


@pytest.fixture(scope="session")
def chromium_program():
    """A real browser's program. Skipped without one."""
    program = os.environ.get("AZCRED_CHROMIUM")
    if not program:
        pytest.skip("NOT RUN: Chromium is not installed")
    return program


@pytest.fixture(scope="session")
def chromium(world, chromium_program):
    """A real browser that trusts the emulator with users."""
    with Browser(chromium_program, [world.emulator.info["ca_certificate"]]) as browser:
        yield browser
