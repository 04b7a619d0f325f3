"""A token for a script, as a whole process: `azcred token` beside azure-identity for Python.

Both sign in with AZURE_CLIENT_SECRET to the same emulator, and alternate. The output has medians of the time from start
to end, and of the largest memory.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
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


def start(command, environment):
    """Starts a command. The child process has become that program when this returns."""
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def finish(process):
    """Waits for its token."""
    with process.stdout:
        token = process.stdout.read()
    if process.wait() or token.count(b".") != 2:
        sys.exit(f"{process.args[0]} printed no token: exit code {process.returncode}")


def seconds(command, environment):
    """Seconds from start to end."""
    started = time.perf_counter()
    finish(start(command, environment))
    return time.perf_counter() - started


def mebibytes(command, environment):
    """The largest resident memory in MiB, on systems that report it for other processes (Linux).

    It is read while the process runs, as wait4(2) includes the memory of the Python that started it.
    """
    process = start(command, environment)
    peaks = []
    looking = threading.Thread(target=look, args=(Path(f"/proc/{process.pid}/status"), peaks))
    looking.start()
    finish(process)
    looking.join()
    return max(peaks, default=float("nan"))


def look(status, peaks):
    """Records the largest resident memory so far, until the process has ended."""
    while True:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            return
        peaks.extend(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
        time.sleep(0.0005)


def main():
    binary = os.environ["AZCRED_BINARY"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "seed").mkdir()
        apps = seed.make(home / "seed")
        with Emulator(binary, home, apps.file) as emulator:
            way = Way(emulator, "ports", apps)
            identity = apps.demo.variables(way) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
            # Each run is like the first one.
            environment = way.environment | identity | {"AZCRED_CACHE": "never"}
            commands = {
                "azcred token": [binary, "token", "--scope", SCOPE],
                "python, azure-identity": [sys.executable, "-c", PYTHON],
            }
            times = {name: [] for name in commands}
            memory = {name: [] for name in commands}
            for _ in range(ROUNDS):
                for name, command in commands.items():
                    times[name].append(seconds(command, environment))
            for _ in range(ROUNDS // 4):
                for name, command in commands.items():
                    memory[name].append(mebibytes(command, environment))
    print(f"a token for a script, whole process, medians of {ROUNDS} rounds in turn")
    medians = {name: (statistics.median(times[name]), statistics.median(memory[name])) for name in commands}
    for name, (took, memory) in medians.items():
        print(f"  {name:<24} {took * 1000:8.1f} ms {memory:8.1f} MiB")
    (ours, our_memory), (theirs, their_memory) = medians.values()
    print(f"  {'ratio':<24} {theirs / ours:8.1f}    {their_memory / our_memory:8.1f}")


if __name__ == "__main__":
    main()
