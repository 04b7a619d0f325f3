"""Programs that choose by themselves as whom to sign in, in one environment after another.

Argument: which program. Standard input: for each environment a line with its variables. Standard output: for each a
line with {"claims"} of the token that was had; or {"failed": "nothing" | "refused" | "error", "code", "said"}, with
{"asks"}, the credentials by which the program would ask a person, each with its seconds. With the argument `attended`
it does ask, and has its own environment besides what the line says.

A process starts once, and not for each environment: what is imported takes seconds, and reads nothing of the
environment before it is asked for a token.
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


# How a person would be asked in the environment at hand: by which credential, and for how long. Here nobody answers.
asked = []


def nobody_answers(credential, *_, **__):
    asked.append([type(credential).__name__, credential._timeout])
    raise CredentialUnavailableError(message="nobody is here to answer")


ATTENDED = "attended" in sys.argv
if not ATTENDED:
    InteractiveBrowserCredential._request_token = nobody_answers
    DeviceCodeCredential._request_token = nobody_answers
# How long it waits between its attempts is not what is compared.
HttpTransport.sleep = lambda self, duration: None


class Diary(logging.Handler):
    """What azure-identity says of its attempts: which failed, which ended a chain, and the chain's last word."""

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
    # The class itself reads no variable for its choice; programs hand it this one, as the chain does.
    return ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"))


def workload_identity(_):
    return WorkloadIdentityCredential()


def kedro(loaded):
    return loaded.get_azureml_credentials()


def hi_ml(loaded):
    return loaded.get_credential()


def module_of(package, name, **stubs):
    """A module of a package by itself: without what the package's own first line imports, and with stand-ins for what
    the module imports and doesn't use to sign in."""
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


def causes(error):
    while error is not None:
        yield error
        error = error.__cause__


def failure(error, ended):
    """What an error means: that there was nothing, that Entra ID said no, or that something there could not be used."""
    said = " <- ".join(f"{type(cause).__name__}: {cause}" for cause in causes(error))
    code = re.search(r"AADSTS(\d+)", said)
    unavailable = isinstance(error, CredentialUnavailableError) or (
        # This one says it by ValueError, as it is made.
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
        ):  # kedro's last resort, which asks when it is used
            credential.get_token(SCOPE)
        token = credential.get_token(SCOPE).token
        return {"claims": jwt.decode(token, options={"verify_signature": False})}
    except Exception as error:
        # A chain's own error is of one kind, whatever was behind it; and who asks a person forgets why.
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
        # azure-identity keeps where it is in a chain in context variables, and leaves them set when it fails.
        answer = contextvars.copy_context().run(outcome, choose, loaded)
        print(json.dumps(answer), file=answers, flush=True)


main()
