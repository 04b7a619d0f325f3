"""What `azcred exec` and the stand-in for Azure CLI cost, as whole processes.

`azcred exec -- true` beside `true`, and `az account get-access-token` of the stand-in beside the real one, with the
token stored, on the emulator's laptop. They alternate. The output has medians of the time from start to end.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator import Emulator
from way import ARM

ROUNDS, ROUNDS_OF_AZ = 61, 7
EXEC_TARGET_MS, STAND_IN_TARGET_MS = 10, 5


def milliseconds(command, environment):
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    took = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr.decode()[-2000:]}")
    return took * 1000


def main():
    binary, az = os.environ["AZCRED_BINARY"], os.environ["AZCRED_AZURE_CLI"]
    with tempfile.TemporaryDirectory() as folder, Emulator(binary, Path(folder) / "state") as emulator:
        # Azure CLI writes into its folder, and the emulator's is made again for each program.
        environment = emulator.environment("names", "laptop")
        shutil.copytree(environment["AZURE_CONFIG_DIR"], Path(folder) / "azure")
        environment |= {"AZURE_CONFIG_DIR": str(Path(folder) / "azure"), "AZCRED_HOME": f"{folder}/azcred"}
        environment["AZURE_CORE_COLLECT_TELEMETRY"] = "false"
        stand_in = Path(folder) / "bin" / "az"
        stand_in.parent.mkdir()
        stand_in.symlink_to(Path(binary).resolve())
        token = ["account", "get-access-token", "--resource", ARM]
        commands = {
            "true": ["true"],
            "azcred exec -- true": [binary, "exec", "--", "true"],
            "az of azcred": [stand_in, *token],
            "az of Microsoft": [az, *token],
        }
        times = {name: [] for name in commands}
        for number in range(ROUNDS + 1):
            for name, command in commands.items():
                if name != "az of Microsoft" or number <= ROUNDS_OF_AZ:
                    took = milliseconds(command, environment)
                    # The first round stores the tokens.
                    if number:
                        times[name].append(took)
    bare, inside, ours, theirs = (statistics.median(taken) for taken in times.values())
    print(f"a program by `azcred exec`, and `az`, whole process, medians of {ROUNDS} rounds in turn")
    print(f"  {'true':<24} {bare:8.1f} ms")
    more = f"{inside - bare:.1f} ms more (target {EXEC_TARGET_MS})"
    print(f"  {'azcred exec -- true':<24} {inside:8.1f} ms   {more}")
    print(f"  {'az of azcred':<24} {ours:8.1f} ms   (target {STAND_IN_TARGET_MS})")
    ratio = f"{theirs / ours:.0f} times as long; of {ROUNDS_OF_AZ} rounds"
    print(f"  {'az of Microsoft':<24} {theirs:8.1f} ms   {ratio}")


if __name__ == "__main__":
    main()
