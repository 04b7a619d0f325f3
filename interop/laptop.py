"""A token on a laptop, as a whole process: packets to 169.254.169.254 are dropped, and Azure CLI is signed in.

The laptop is a network namespace whose only route drops all packets, as a home network does for the metadata address.
Azure CLI is the real one. Its folder is that of the emulator's persona `laptop`, with a valid access token, so that no
program needs the network. They alternate: `azcred token`, and DefaultAzureCredential of Python and Node.

After a boot, the first run finds out whether there can be a metadata service, and later runs remember it. The output
has both.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator import Emulator

ROUNDS = 7
TARGET = 30
SCOPE = "https://management.azure.com/.default"
PYTHON = f"from azure.identity import DefaultAzureCredential as D; print(D().get_token('{SCOPE}').token)"
NODE = (
    "const { DefaultAzureCredential: D } = require('@azure/identity'); "
    f"new D().getToken('{SCOPE}').then((t) => console.log(t.token));"
)
# A pair of network devices, of which nothing uses the second. The neighbour is set by hand: otherwise the kernel would
# report after three seconds that the host is unreachable.
NAMESPACE = """
set -e
ip link set lo up
ip link add way type veth peer name nowhere
ip address add 192.0.2.1/24 dev way
ip link set way up
ip link set nowhere up
ip neighbour add 192.0.2.254 lladdr 02:00:00:00:00:01 dev way
ip route add default via 192.0.2.254
exec "$@"
"""
VANISHES = (
    "import socket; s = socket.socket(); s.settimeout(0.5)\n"
    "try: s.connect(('169.254.169.254', 80))\n"
    "except TimeoutError: raise SystemExit(0)\n"
    "except OSError: pass\n"
    "raise SystemExit(1)"
)


def in_namespace(command):
    """The same command in a namespace in which packets are dropped. The namespace ends with the command."""
    return ["unshare", "--net", "sh", "-c", NAMESPACE, "sh", *command]


def inside(script, environment):
    """Runs a script in one namespace, so that the measured times don't include its creation."""
    done = subprocess.run(
        in_namespace([sys.executable, __file__, "--inside"]),
        env=environment,
        input=script,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def measure():
    """In the namespace: measures each command in turn. For azcred's first round, what it remembers is deleted."""
    commands = json.load(sys.stdin)
    cache = Path(os.environ["XDG_CACHE_HOME"])
    times = {name: [] for name in commands} | {"first": []}
    for _ in range(ROUNDS):
        shutil.rmtree(cache, ignore_errors=True)
        times["first"].append(seconds(commands["azcred token"]))
        for name, command in commands.items():
            times[name].append(seconds(command))
    json.dump(times, sys.stdout)


def seconds(command):
    """Seconds until a command has printed its token and ended."""
    started = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    took = time.perf_counter() - started
    if done.returncode or done.stdout.strip().count(b".") != 2:
        sys.exit(
            f"{command[0]} printed no token (exit code {done.returncode}): {done.stderr.decode()[-2000:]}"
        )
    return took


def missing():
    """Why this machine can't run the measurement."""
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            return f"`{tool}` is not installed (Debian: util-linux, iproute2)"
    probe = subprocess.run(
        in_namespace([sys.executable, "-c", VANISHES]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if probe.returncode:
        return f"a network namespace that drops packets can't be made: {probe.stderr.decode().strip()}"
    return None


def main():
    binary, az = os.environ["AZCRED_BINARY"], Path(os.environ["AZCRED_AZURE_CLI"])
    node, modules = shutil.which("node"), os.environ.get("AZCRED_NODE_MODULES")
    why = missing()
    if why:
        print(f"a laptop that drops packets to the metadata address: NOT MEASURED, {why}")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Emulator(binary, home / "state") as emulator:
            laptop = emulator.environment("names", "laptop")
            # A laptop in use has requested this token before: az has stored it.
            warm = [az, "account", "get-access-token", "--resource", SCOPE.removesuffix("/.default")]
            subprocess.run(warm, env=laptop, stdout=subprocess.DEVNULL, check=True)
            shutil.copytree(laptop["AZURE_CONFIG_DIR"], home / ".azure")
        environment = {
            "HOME": folder,
            "PATH": f"{az.parent}:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(home / "cache"),
            "AZURE_CONFIG_DIR": str(home / ".azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        commands = {
            "azcred token": [binary, "token", "--scope", SCOPE],
            "python, azure-identity": [sys.executable, "-c", PYTHON],
        }
        if node and modules:
            environment["NODE_PATH"] = modules
            commands["node, @azure/identity"] = [node, "-e", NODE]
        times = inside(json.dumps(commands), environment)
    medians = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    first, ours = medians.pop("first"), medians["azcred token"]
    print("a laptop that drops packets to the metadata address, az signed in, whole process")
    print(f"  medians of {ROUNDS} rounds in turn")
    print(f"  {'azcred token, first of a boot':<30} {first:8.1f} ms")
    print(f"  {'azcred token, later':<30} {ours:8.1f} ms")
    for name, took in medians.items():
        if name != "azcred token":
            ratio = f"{took / ours:.0f} times as long as ours (target {TARGET}), {took / first:.0f} times the first"
            print(f"  {name:<30} {took:8.1f} ms   {ratio}")
    if not (node and modules):
        print("  node, @azure/identity: NOT MEASURED, Node.js is not installed")


if __name__ == "__main__":
    measure() if "--inside" in sys.argv else main()
