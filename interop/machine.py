"""The emulated machines on which programs run in `azcred exec`."""

import json
import os
import subprocess
import sys

import jwt

from emulator import bare_environment
from way import HERE

# A person's laptop, a job of GitHub, a pod of Kubernetes, a compute of Azure ML.
MACHINES = ("laptop", "github", "aks", "azureml-compute")

# Each line of a program's output: the object id for which a credential got a token.
WHOSE = """
import jwt
def whose(token):
    print(jwt.decode(token, options={"verify_signature": False})["oid"])
"""


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


class Machine:
    """An emulated machine."""

    def __init__(self, azure, persona):
        self.azure, self.persona = azure, persona

    def start(self, *command, variables=(), options=(), **streams):
        """Starts a program on this machine, with more variables than it has, and options of `emulator exec`."""
        inside = ("emulator", "exec", "--state", self.azure.state, "--as", self.persona, *options, "--")
        if variables:
            inside += ("env", *(f"{name}={value}" for name, value in dict(variables).items()))
        environment = bare_environment(self.azure.home)
        tools = os.path.dirname(os.environ["AZCRED_AZURE_CLI"])
        environment["PATH"] = os.pathsep.join((tools, environment["PATH"]))
        return subprocess.Popen(
            [self.azure.binary, *inside, *command], env=environment, text=True, encoding="utf-8", **streams
        )

    def run(self, *command, input="", variables=(), options=(), within=110):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = self.start(*command, variables=variables, options=options, **pipes)
        try:
            out, err = process.communicate(input, timeout=within)
        finally:
            process.kill()
        assert process.returncode == 0, out + err
        return out

    def exec(self, *command, **options):
        """The output of a program in `azcred exec`."""
        return self.run(self.azure.binary, "exec", "--", *command, **options)

    def python(self, program, python=sys.executable, **options):
        return self.exec(python, "-c", program, **options).split()

    def chosen_by(self, program, python=sys.executable):
        """The object id that a program of `choose.py` gets."""
        choose = HERE / "programs" / "choose.py"
        said = self.exec(python, choose, program, "attended", input="{}\n")
        return json.loads(said)["claims"]["oid"]

    def account(self):
        """The object id of the account that azcred finds."""
        return json.loads(self.run(self.azure.binary, "whoami", "--output", "json"))["objectId"]
