"""Programs that choose an identity themselves, in one environment after another.

Argument: the program. Standard input: for each environment, a line with its variables. Standard output: for each, a
line with {"claims"} of the token, or {"failed": "nothing" | "refused" | "error", "code", "said"}. {"asks"} lists the
credentials with which the program would prompt a person, each with its seconds. With the argument `attended` the
program does prompt, and adds the line's variables to its own environment.

One process handles all environments: the imports take seconds, and read no variables before a token is requested.
"""

import contextvars
import importlib.util
import json
import logging
import os
import re
import sys
import types

import jwt
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import HttpTransport
from azure.identity import (
    CredentialUnavailableError,
    DefaultAzureCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

SCOPE = "https://management.azure.com/.default"


# How a person would be prompted in this environment: the credential, and its seconds. No person answers.
asked = []


def no_answer(credential, *_, **__):
    asked.append([type(credential).__name__, credential._timeout])
    raise CredentialUnavailableError(message="no person is here to answer")


ATTENDED = "attended" in sys.argv
if not ATTENDED:
    InteractiveBrowserCredential._request_token = no_answer
    DeviceCodeCredential._request_token = no_answer
# The pause between attempts is not compared.
HttpTransport.sleep = lambda self, duration: None


class Diary(logging.Handler):
    """azure-identity's log of its attempts: which failed, which ended a chain, and the chain's last error."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.ended = self.failed = self.chain = None

    def emit(self, record):
        if "raised unexpected error" in record.msg:
            self.ended = record.args[2]
        elif record.name.endswith(".chained") and record.levelno == logging.WARNING:
            self.chain = ClientAuthenticationError(message=record.getMessage())
        elif record.msg == "%s failed: %s" and record.args[0] == "AzureCliCredential.get_token":
            self.failed = record.args[1]


def default_chain(_):
    return DefaultAzureCredential()


def managed_identity(_):
    # The class reads no variable for its choice. Programs pass it this one, as the chain does.
    return ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))


def workload_identity(_):
    return WorkloadIdentityCredential()


def kedro(loaded):
    return loaded.get_azureml_credentials()


def hi_ml(loaded):
    return loaded.get_credential()


def hi_ml_v1(loaded):
    return loaded.get_authentication()


def module_of(package, name, **stubs):
    """A module of a package, without the package's own first imports, and with stand-ins for modules that it imports
    but does not use for the sign-in.
    """
    for stub, names in stubs.items():
        stub = stub.replace("__", ".")
        sys.modules[stub] = types.ModuleType(stub, f"A stand-in for {stub}, which is not installed.")
        for name_in_it in names:
            setattr(sys.modules[stub], name_in_it, type(name_in_it, (Exception,), {}))
    bare = types.ModuleType(package)
    bare.__path__ = importlib.util.find_spec(package).submodule_search_locations
    sys.modules[package] = bare
    return importlib.import_module(f"{package}.{name}")


PROGRAMS = {
    "azure": (default_chain, lambda: None),
    "managed": (managed_identity, lambda: None),
    "workload": (workload_identity, lambda: None),
    "kedro": (
        kedro,
        lambda: module_of(
            "kedro_azureml_pipeline", "client", kedro_azureml_pipeline__config=["WorkspaceConfig"]
        ),
    ),
    "hi-ml": (
        hi_ml,
        lambda: module_of(
            "health_azure",
            "auth",
            azureml=[],
            azureml__core=[],
            azureml__core__authentication=[
                "InteractiveLoginAuthentication",
                "ServicePrincipalAuthentication",
                "AzureCliAuthentication",
            ],
            azureml__exceptions=["AuthenticationException"],
        ),
    ),
}


# With Azure ML's SDK v1 installed.
PROGRAMS["hi-ml-v1"] = (hi_ml_v1, lambda: module_of("health_azure", "auth"))


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__


def failure(error, ended):
    """The kind of an error: nothing was found, Entra ID rejected it, or something was found but not usable."""
    said = " <- ".join(f"{type(cause).__name__}: {cause}" for cause in causes(error))
    code = re.search(r"AADSTS(\d+)", said)
    unavailable = isinstance(error, CredentialUnavailableError) or (
        # This credential raises ValueError, in its constructor.
        isinstance(error, ValueError) and "authentication unavailable" in str(error)
    )
    if code:
        failed = "refused"
    elif unavailable or not ended:
        failed = "nothing"
    else:
        failed = "error"
    return {"failed": failed, "code": code and f"AADSTS{code[1]}", "said": said}


def outcome(choose, loaded):
    diary = Diary()
    asked.clear()
    logger = logging.getLogger("azure.identity")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(diary)
    try:
        credential = choose(loaded)
        if isinstance(
            credential, InteractiveBrowserCredential
        ):  # kedro's last credential, which prompts when it is used
            credential.get_token(SCOPE)
        token = credential.get_token(SCOPE).token
        return {"claims": jwt.decode(token, options={"verify_signature": False})}
    except Exception as error:
        # A chain has one kind of error for all causes. A program that prompts loses the cause.
        why = diary.ended or diary.chain or (diary.failed if asked else error)
        return failure(why, ended=why is not diary.chain) | {"asks": list(asked)}
    finally:
        logger.removeHandler(diary)


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    choose, load = PROGRAMS[sys.argv[1]]
    loaded = load()
    for line in sys.stdin:
        if not ATTENDED:
            os.environ.clear()
        os.environ.update(json.loads(line))
        # azure-identity stores its position in a chain in context variables, and does not reset them after a failure.
        answer = contextvars.copy_context().run(outcome, choose, loaded)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
