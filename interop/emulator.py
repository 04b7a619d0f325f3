"""The emulator as a process: start it, read what it serves, end it."""

import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import requests

# In a debug build, the first RSA keys take a few seconds, and longer on a busy machine.
READY_WITHIN = 60
ENDS_WITHIN = 20

# The variables of a new account on a new machine. None of them leads to a real Azure.
INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")

# What `emulator env` sets to keep a program from the user's and the machine's sign-ins.
ISOLATION = {
    *(
        "HOME",
        "XDG_DATA_HOME",
        "AZCRED_HOME",
        "AZCRED_KEYRING",
        "AZCRED_IMDS",
        "AZURE_CONFIG_DIR",
        "AZD_CONFIG_DIR",
    ),
    *("AZURE_EXTENSION_DIR", "DBUS_SESSION_BUS_ADDRESS", "AZURE_POD_IDENTITY_AUTHORITY_HOST"),
    *("HTTP_PROXY", "http_proxy"),
}


def bare_environment(home):
    """The environment of a program on a machine without any sign-in to Azure."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {"HOME": str(home), "USERPROFILE": str(home), "AZCRED_KEYRING": "never"}
    return kept | own | {"PYTHONUTF8": "1"}


class Emulator:
    """`azcred emulator start` with a separate state folder, and a seed or the default one. Use it with `with`."""

    def __init__(self, binary, home, seed=None):
        self.binary, self.home, self.seed = Path(binary), Path(home), seed
        self.state = self.home / "state"
        self.output = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [
                *(self.binary, "emulator", "start", "--state", self.state),
                *(("--seed", self.seed) if self.seed else ()),
            ],
            env=bare_environment(self.home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self.reader.start()
        try:
            # It reports that it is ready after it has written what it serves.
            while not (self.state / "emulator.json").exists():
                if lines.get(timeout=READY_WITHIN) is None:
                    raise RuntimeError("the emulator ended before it was ready:\n" + self.said())
        except BaseException:
            self.__exit__()
            raise
        self.info = json.loads((self.state / "emulator.json").read_text(encoding="utf-8"))
        return self

    def _read(self, lines):
        for line in self.process.stdout:
            self.output.append(line)
            lines.put(line)
        lines.put(None)

    def said(self):
        return "".join(self.output)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            self.process.wait(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=ENDS_WITHIN)
            raise
        finally:
            self.reader.join(timeout=ENDS_WITHIN)
            self.process.stdout.close()

    def azcred(self, *arguments, env=None, input=""):
        """Runs the binary to its end. Returns the finished process, whatever its exit code.

        Without a home folder in `env` it gets a new one, so that no run finds what another has stored.
        """
        environment = bare_environment(self.home) | (env or {})
        with tempfile.TemporaryDirectory() as home:
            if environment["HOME"] == str(self.home):
                environment |= {"HOME": home, "USERPROFILE": home}
            return subprocess.run(
                [self.binary, *arguments],
                env=environment,
                input=input,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=60,
            )

    def environment(self, way, persona="sp"):
        """The environment of a program in the emulator, as `emulator env` prints it."""
        asked = self.azcred(
            *("emulator", "env", "--state", self.state, "--shell", "json"),
            *("--by", way, "--as", persona),
        )
        assert asked.returncode == 0, asked.stderr
        given = json.loads(asked.stdout)["set"]
        # Each test chooses by HOME, and by these, what it shares with others and which host it runs on.
        own = {"laptop": "AZURE_CONFIG_DIR", "vm": "AZURE_POD_IDENTITY_AUTHORITY_HOST"}.get(persona)
        given = {name: value for name, value in given.items() if name == own or name not in ISOLATION}
        return bare_environment(self.home) | given

    def admin(self, method, path, **content):
        """Sends a request to the admin port."""
        with requests.Session() as session:
            session.trust_env = False  # no proxy: it is on loopback
            session.headers["Authorization"] = "Bearer " + self.info["admin_token"]
            answer = session.request(method, self.info["admin_url"] + path, timeout=30, **content)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def codes(message):
    """The AADSTS codes in a message, in order."""
    return [int(code) for code in re.findall(r"AADSTS(\d+)", message)]
