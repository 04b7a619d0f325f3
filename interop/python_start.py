"""A stored token in a Python program, as a whole process: azcred beside azure-identity's fastest equivalent.

Both have requested the token before and stored it on the disk. The programs alternate. The output has medians of the
time over that of the bare interpreter: from start to end, and of the processor, which other programs change less.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator import Emulator
from way import ARM

ROUNDS = 31
TARGET_RATIO, TARGET_IMPORT_MS = 10, 10
SCOPE = ARM + "/.default"
THEIRS = f"""
from azure.identity import ClientSecretCredential, TokenCachePersistenceOptions
import os
names = [os.environ["AZURE_" + name] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
# Without encryption it is faster, and needs no keyring.
stored = TokenCachePersistenceOptions(allow_unencrypted_storage=True)
assert ClientSecretCredential(*names, cache_persistence_options=stored).get_token("{SCOPE}").token
"""
PROGRAMS = {
    "the bare interpreter": "",
    "import azcred": "import azcred",
    "azcred, a stored token": f"import azcred; assert azcred.Credential().get_token('{SCOPE}').token",
    "import azure.identity": "import azure.identity",
    "azure-identity, a stored token": THEIRS,
}


def milliseconds(code, environment):
    """The time from start to end, and of the processor."""
    before, started = processor(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, check=False
    )
    took, after = time.perf_counter() - started, processor()
    if done.returncode:
        sys.exit(f"failed: {code}")
    return took * 1000, (after - before) * 1000


def processor():
    """The processor's seconds of all programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(os.environ["AZCRED_BINARY"], Path(folder)) as emulator,
    ):
        # With `PYTHONDONTWRITEBYTECODE`, each round would compile the package.
        environment = emulator.environment("names", "sp") | {"PYTHONPATH": os.environ["AZCRED_PYTHON_SITE"]}
        times = {name: [] for name in PROGRAMS}
        for number in range(ROUNDS + 1):
            for name, code in PROGRAMS.items():
                took = milliseconds(code, environment)
                # The first round stores the tokens.
                if number:
                    times[name].append(took)
    medians = {
        name: [statistics.median(kind) for kind in zip(*taken, strict=True)] for name, taken in times.items()
    }
    bare = medians.pop("the bare interpreter")
    over = {
        name: [took - least for took, least in zip(both, bare, strict=True)] for name, both in medians.items()
    }
    print("a stored token in a Python program, whole process, over the bare interpreter")
    print(f"  medians of {ROUNDS} rounds in turn; the bare interpreter takes {bare[0]:.1f} ms")
    for name, (took, processor) in over.items():
        print(f"  {name:<32} {took:8.1f} ms {processor:8.1f} ms of the processor")
    theirs, ours = over["azure-identity, a stored token"], over["azcred, a stored token"]
    ratios = " and ".join(f"{slow / quick:.0f}" for slow, quick in zip(theirs, ours, strict=True))
    print(f"  ratios {ratios} (target {TARGET_RATIO}); import (target {TARGET_IMPORT_MS} ms)")


if __name__ == "__main__":
    main()
