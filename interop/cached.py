"""A cached token for a script, as a whole process: `azcred token` beside `az account get-access-token`.

All are signed in to the same emulator and have requested this token before, so that none needs the network. They
alternate: `azcred token` as an application from the environment, and as a person who signed in with `azcred login`,
with the key in a file and in GNOME Keyring (if it is installed); and Azure CLI, as a person. The output has medians of
the time from start to end, and azcred's largest memory.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import sign_in_pages as pages
from emulator import Emulator
from form_browser import FormTab
from interactive import Interactive
from people import Person
from way import ARM
from whole_process import finish, mebibytes, seconds, start

ROUNDS = 41
# Azure CLI takes half a second.
SLOW_ROUNDS = 11
TARGET_MS, TARGET_MEBIBYTES, TARGET_RATIO = 5, 12, 100
APPLICATION, PERSON, RING = "azcred token, an application", "azcred token, a person", ", key in GNOME Keyring"
AZ = "az account get-access-token"
ADA = "ada@contoso.com"


@contextmanager
def keyring(folder):
    """The address of a bus with an unlocked keyring. None if it is not installed."""
    if not (shutil.which("dbus-daemon") and shutil.which("gnome-keyring-daemon")):
        yield None
        return
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    address = bus.stdout.readline().strip()
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"],
        env={"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": address},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    daemon.stdin.write(b"password")
    daemon.stdin.close()
    try:
        yield address
    finally:
        for process in (daemon, bus):
            process.kill()
            process.wait()


def verdict(is_met):
    """The verdict, in the words of the other measurements."""
    return "met" if is_met else "MISSED"


def of_user(environment, folder, bus):
    """An environment for a user with a separate home folder, and a keyring if that bus has one."""
    folder.mkdir()
    own = {"HOME": str(folder), "USERPROFILE": str(folder), "AZCRED_KEYRING": "never"}
    if bus:
        environment = environment | {"DBUS_SESSION_BUS_ADDRESS": bus}
        environment.pop("AZCRED_KEYRING")
        own.pop("AZCRED_KEYRING")
    return environment | own


def sign_in(binary, environment, person, folder):
    """Runs `azcred login` with a device code."""
    folder.mkdir()
    command = [binary, "login", "--device-code", "--plain", "--tenant", "contoso.com"]
    tab = FormTab(environment["REQUESTS_CA_BUNDLE"], environment.get("HTTPS_PROXY"))
    with Interactive(command, environment, folder, terminal=True) as program, tab:
        code = program.says(r"\b[A-Z0-9]{9}\b")[0]
        address = program.says(r"https://\S+/(devicelogin|common/oauth2/deviceauth)")[0]
        pages.enter_code(tab, address, code)
        pages.sign_in(tab, person)
        pages.confirm(tab)
        if program.ends() != 0:
            sys.exit(program.both())


def main():
    binary, az = os.environ["AZCRED_BINARY"], os.environ["AZCRED_AZURE_CLI"]
    scope = ARM + "/.default"
    ours = [binary, "token", "--scope", scope]
    theirs = [az, *"account get-access-token --query accessToken --output tsv --scope".split(), scope]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "ring").mkdir()
        with Emulator(binary, home) as emulator, keyring(home / "ring") as bus:
            password = next(
                one["password"] for one in emulator.info["users"] if one["user_principal_name"] == ADA
            )
            application, nobody = (
                emulator.environment("names", "sp"),
                emulator.environment("names", "no-account"),
            )
            runs = {}
            for number, (address, where) in enumerate([(None, ""), (bus, RING)] if bus else [(None, "")]):
                environment = of_user(application, home / f"application-{number}", address)
                wait_for_key(ours, environment, bool(address))
                runs[APPLICATION + where] = (ours, environment)
                environment = of_user(nobody, home / f"person-{number}", address)
                sign_in(binary, environment, Person(ADA, password), home / f"program-{number}")
                runs[PERSON + where] = (ours, environment)
            runs[AZ] = (theirs, emulator.environment("names", "laptop"))
            for name, (command, environment) in runs.items():
                # The first call requests the token, and the second returns the same one.
                first, second = (
                    subprocess.run(command, env=environment, capture_output=True, check=True).stdout
                    for _ in range(2)
                )
                if first != second:
                    sys.exit(f"{name} gave two tokens")
            times = {name: [] for name in runs}
            for number in range(ROUNDS):
                for name, (command, environment) in runs.items():
                    if name != AZ or number < SLOW_ROUNDS:
                        times[name].append(seconds(command, environment))
            memory = max(
                statistics.median(mebibytes(*run) for _ in range(5))
                for name, run in runs.items()
                if name != AZ
            )
    medians = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    rounds = f"medians of {ROUNDS} rounds in turn ({SLOW_ROUNDS} of Azure CLI)"
    print(f"a cached token for a script, whole process, {rounds}")
    slow = medians.pop(AZ)
    print(f"  {AZ:<52} {slow:8.1f} ms")
    for name, median in medians.items():
        ratio = slow / median
        is_met = median <= TARGET_MS and ratio >= TARGET_RATIO
        print(
            f"  {name:<52} {median:8.1f} ms, {ratio:.0f} times as fast "
            f"(target {TARGET_MS} ms and {TARGET_RATIO}: {verdict(is_met)})"
        )
    if not bus:
        print(
            "  with the key in GNOME Keyring: NOT MEASURED, dbus-daemon or gnome-keyring-daemon is not installed"
        )
    print(f"  {memory:.1f} MiB at most (target {TARGET_MEBIBYTES}: {verdict(memory <= TARGET_MEBIBYTES)})")


def wait_for_key(command, environment, in_keyring):
    """Repeats the command until the key is in the right place: a keyring needs some time to start."""
    data = Path(environment["HOME"]) / ".local/share/azcred"
    began = time.monotonic()
    while True:
        finish(start(command, environment))
        if (data / ("key-1.keyring" if in_keyring else "key-1")).exists():
            return
        if time.monotonic() - began > 20:
            sys.exit("the keyring did not start")
        shutil.rmtree(environment["HOME"])
        Path(environment["HOME"]).mkdir()


main()
