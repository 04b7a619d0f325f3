"""A token for a script, as a whole process: `azcred token` beside Python doing the same with azure-identity.

Both sign in by AZURE_CLIENT_SECRET at the same emulator, in turn. What is printed are medians: of the time from start
to end, and of the largest memory.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import seed
from emulator import Emulator
from way import ARM, Way

ROUNDS = 21
SCOPE = ARM + "/.default"
PYTHON = (
    "from azure.identity import EnvironmentCredential as E; "
    f"print(E(disable_instance_discovery=True).get_token('{SCOPE}').token)"
)
# In what getrusage(2) counts memory: bytes on macOS, KiB elsewhere.
UNIT = 1 if sys.platform == "darwin" else 1024


def measured(command, environment):
    """Seconds from start to end, and the largest resident memory in MiB where the system says it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    token = process.stdout.read()
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = usage.ru_maxrss * UNIT / 2**20
    else:
        process.wait()
        memory = float("nan")
    took = time.perf_counter() - started
    process.stdout.close()
    if process.returncode or token.count(b".") != 2:
        sys.exit(f"{command[0]} gave no token: exit code {process.returncode}")
    return took, memory


def main():
    binary = os.environ["AZCRED_BINARY"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "seed").mkdir()
        apps = seed.make(home / "seed")
        with Emulator(binary, home, apps.file) as emulator:
            way = Way(emulator, "ports", apps)
            identity = apps.demo.variables(way) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
            environment = way.environment | identity
            commands = {
                "azcred token": [binary, "token", "--scope", SCOPE],
                "python, azure-identity": [sys.executable, "-c", PYTHON],
            }
            results = {name: [] for name in commands}
            for _ in range(ROUNDS):
                for name, command in commands.items():
                    results[name].append(measured(command, environment))
    print(f"a token for a script, whole process, medians of {ROUNDS} rounds in turn")
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in results.items()
    }
    for name, (took, memory) in medians.items():
        print(f"  {name:<24} {took * 1000:8.1f} ms {memory:8.1f} MiB")
    (ours, our_memory), (theirs, their_memory) = medians.values()
    print(f"  {'ratio':<24} {theirs / ours:8.1f}    {their_memory / our_memory:8.1f}")


main()
