"""Azure CLI as users install it, with a separate folder for each sign-in."""

import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

# On an idle machine it takes half a second.
ENDS_WITHIN = 100


@dataclass
class AzureCli:
    """`az` with its folder, in an environment that leads to an emulator."""

    folder: Path
    environment: dict

    def __post_init__(self):
        self.program = os.environ["AZCRED_AZURE_CLI"]
        self.variables = self.environment | {
            "AZURE_CONFIG_DIR": str(self.folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
        }

    def run(self, *arguments):
        """Runs a command to its end. Returns the finished process, whatever its exit code."""
        return subprocess.run(
            [self.program, *arguments, "--output", "json"],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=ENDS_WITHIN,
        )

    def side_by_side(self, commands):
        """Runs commands in parallel. Returns the finished processes by their commands.

        Each has its own copy of the folder: Azure CLI writes its files in place, and another one would read half a
        file.
        """

        def run(number_and_command):
            number, command = number_and_command
            copy = shutil.copytree(self.folder, Path(folder, str(number)))
            return command, replace(self, folder=copy).run(*command.split())

        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(pool.map(run, enumerate(commands)))

    def answer(self, *arguments):
        """The output of a command that must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"az {' '.join(arguments[:3])} failed:\n{done.stderr}"
        return json.loads(done.stdout)

    def token(self, *arguments):
        """`az account get-access-token`."""
        return self.answer("account", "get-access-token", *arguments)

    def login_user(self, person, *arguments):
        return self.answer("login", "--username", person.name, "--password", person.password, *arguments)

    def login_service_principal(self, client_id, secret, tenant):
        identity = ("--username", client_id, "--password", secret, "--tenant", tenant)
        return self.answer("login", "--service-principal", *identity)


@dataclass
class SignedIn:
    """The same Azure CLI, signed in as a user in one folder and as a service principal in another."""

    user: AzureCli
    service_principal: AzureCli
