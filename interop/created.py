"""A service principal with a role and a secret, as whole processes: `azcred sp create` beside Azure CLI's
`az ad sp create-for-rbac`.

Both run as the same person against the same emulator, and alternate. azcred also proves what it made: it signs in as
the new principal and runs the doctor.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from azure_cli import AzureCli
from emulator import Emulator
from way import GROUP, WORKSPACE

ROUNDS = 5
SUBSCRIPTION = "5ec0ffee-0001-4000-8000-000000000001"
SCOPE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
)
ROLE = "AzureML Data Scientist"


def seconds(command, environment):
    """Seconds from start to end."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    return time.perf_counter() - started


def main():
    binary = os.environ["AZCRED_BINARY"]
    with tempfile.TemporaryDirectory() as folder, Emulator(binary, Path(folder)) as emulator:
        variables = emulator.environment("names", "laptop")
        az = AzureCli(variables["AZURE_CONFIG_DIR"], variables)
        own = az.variables | {"HOME": folder, "USERPROFILE": folder, "AZCRED_CACHE": "never"}
        place = ("--role", ROLE, "--scope", SCOPE, "--to", "encrypted-file")
        commands = {
            "azcred sp create": lambda name: (binary, "sp", "create", name, "--secret", *place),
            "az ad sp create-for-rbac": lambda name: (
                *(az.program, "ad", "sp", "create-for-rbac"),
                *("--name", name, "--role", ROLE, "--scopes", SCOPE),
            ),
        }
        times = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                times[name].append(seconds(command(f"ci-{uuid.uuid4().hex[:8]}"), own))
    print(f"a service principal with a role and a secret, whole process, medians of {ROUNDS} rounds in turn")
    medians = {name: statistics.median(took) for name, took in times.items()}
    for name, took in medians.items():
        print(f"  {name:<26} {took * 1000:8.1f} ms")
    ours, theirs = medians.values()
    print(f"  {'ratio':<26} {theirs / ours:8.1f}")


if __name__ == "__main__":
    main()
