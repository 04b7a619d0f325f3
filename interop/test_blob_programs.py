"""Programs of others put, list, get and delete blobs in the emulator, unmodified: as a person and as a service
principal, with a role for it, with a role that only reads, and without one. Then the program itself says what Azure
says.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import checks
import installed
import own_storage
from emulator import Emulator
from machine import Machine

HERE = Path(__file__).parent
pytestmark = pytest.mark.xdist_group("blob-programs")

# The role of each account in a container.
WRITES, READS, CLOSED = "writes", "reads", "closed"
MISMATCH = "AuthorizationPermissionMismatch"
MISMATCH_TEXT = "This request is not authorized to perform this operation using this permission"
# An application of the seed without a role.
APPLICATION, OBJECT = "azcred-noroles", "d0000001-0000-4000-8000-000000000006"


@dataclass
class Program:
    """A program, what starts it, and what it says where Azure refuses."""

    name: str
    by: str
    says: str = MISMATCH
    # Who it can't be, and what it says then.
    not_as: dict = field(default_factory=dict)


PERSON, VARIABLES, HIML = "a person in azcred exec", "AZURE_*", "HIML_* in azcred exec"
NO_ENDPOINT = {who: "failed to load signing credential" for who in (PERSON, HIML)}
IMDS_ONLY = {who: "Identity not found" for who in (PERSON, HIML)}

PROGRAMS = (
    Program("azure-storage-blob", "python"),
    Program("@azure/storage-blob", "node"),
    Program("azure_storage_blob", "rust"),
    # It deletes by a batch, and shows the text of each answer only.
    Program("object_store", "rust", says=f"{MISMATCH}|{MISMATCH_TEXT}"),
    # It knows no endpoint but that of a virtual machine.
    Program("opendal", "rust", not_as=NO_ENDPOINT),
    Program("adlfs", "python-heavy"),
    # Azure CLI says it in words of its own.
    Program(
        "Azure CLI", "az", says="You do not have the required permissions needed to perform this operation"
    ),
    Program("azcopy", "azcopy"),
    Program("rclone", "rclone"),
    Program("rclone of Debian", "rclone-debian", not_as=IMDS_ONLY),
)
# A command of these takes seconds, and they run one for each step.
SLOW = ("az", "azcopy")
SOME_STEPS = (WRITES, f"{READS}=upload,list", f"{CLOSED}=upload,list")


@pytest.fixture(scope="module")
def azure(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("blobs")) as started:
        own_storage.make_containers(started, WRITES, READS, CLOSED)
        for principal in (checks.ADA, OBJECT):
            own_storage.assign(started, own_storage.WRITER, principal, WRITES)
            own_storage.assign(started, own_storage.READER, principal, READS)
        yield started


def command(program, who, blob):
    start = installed.program(program.by, "24")
    if not start:
        pytest.skip(f"NOT RUN: {program.name} is not installed")
    if program.by.startswith("python"):
        return [start, HERE / "programs/blobs.py", program.name, blob]
    return {
        "node": [start, HERE / "programs/blobs.mjs", installed.modules(), blob],
        "rust": [start, "blobs", program.name, blob],
    }.get(program.by) or [sys.executable, HERE / "programs/blob_commands.py", program.by, start, who, blob]


def identity(azure, who):
    """Where the program runs, what comes before it, and its variables."""
    client_id, secret = own_storage.secret(azure, APPLICATION)
    in_exec = (azure.binary, "exec", "--")
    return {
        PERSON: ("laptop", in_exec, {}),
        VARIABLES: ("service-principal", (), {"AZURE_CLIENT_ID": client_id, "AZURE_CLIENT_SECRET": secret}),
        HIML: (
            *("himl", in_exec),
            {"HIML_SERVICE_PRINCIPAL_ID": client_id, "HIML_SERVICE_PRINCIPAL_PASSWORD": secret},
        ),
    }[who]


def trip(azure, program, who):
    """What the program does in each container, as this account."""
    persona, before, variables = identity(azure, who)
    blob = re.sub(r"\W+", "-", f"{program.name}-{persona}") + ".csv"
    containers = SOME_STEPS if program.by in SLOW else (WRITES, READS, CLOSED)
    arguments = (*before, *command(program, who, blob), *containers)
    said = Machine(azure, persona).run(
        *arguments, variables=own_storage.VARIABLES | variables | installed.variables(program.by)
    )
    return own_storage.lines(said), blob, said


def parameters():
    for program in PROGRAMS:
        for who in (PERSON, VARIABLES, HIML):
            heavy = installed.is_heavy(program.by) or program.by in SLOW
            marks = [pytest.mark.heavy] if heavy else []
            yield pytest.param(program, who, marks=marks, id=f"{program.name} as {who}")


@pytest.mark.parametrize("program, who", list(parameters()))
def test_a_program_does_what_its_role_allows(azure, program, who):
    came, blob, said = trip(azure, program, who)
    if who in program.not_as:
        assert all(program.not_as[who] in answer["error"] for answer in came[WRITES].values()), said
        return
    assert [step for step in came[WRITES].values() if "error" in step] == [], said
    assert blob in came[WRITES]["list"]["found"], said
    assert came[WRITES]["download"]["found"] == "a,b\n1,2\n"
    # A role that reads does not write.
    assert "day.csv" in came[READS]["list"]["found"], said
    assert re.search(program.says, came[READS]["upload"]["error"]), said
    # Without a role, the answer is the same for each step.
    for step, answer in came[CLOSED].items():
        assert re.search(program.says, answer.get("error", "")), (step, said)
