"""The pieces of an environment: how the table names each, and how it is made."""

from collections.abc import Callable
from dataclasses import dataclass

from keys import PASSWORD as PFX_PASSWORD
from scene import (
    DOMAIN,
    NOBODY,
    PASSWORD,
    TENANT,
    Scene,
    az,
    azd,
    azd_message,
    client_id,
    program,
    pwsh,
    secret,
)


@dataclass(frozen=True)
class Piece:
    """A piece of an environment."""

    says: str
    # Variables, and programs with the names `az`, `azd` and `pwsh`.
    make: Callable[[Scene], dict[str, str]]
    # Whether this machine can have it.
    is_possible: Callable[[Scene], bool] = lambda scene: True


def fixed(says, **variables):
    return Piece(says, lambda scene: variables)


def principal(name):
    return {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": client_id(name)}


def himl(name, **replaced):
    return {
        "HIML_TENANT_ID": TENANT,
        "HIML_SERVICE_PRINCIPAL_ID": client_id(name),
        "HIML_SERVICE_PRINCIPAL_PASSWORD": secret(name),
    } | replaced


def with_secret(says, name, **replaced):
    return fixed(says, **(principal(name) | {"AZURE_CLIENT_SECRET": secret(name)} | replaced))


# Without this variable, azure-identity's class for managed identities ignores the others.
WEBHOOK = {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/"}


def workload(says, **claims):
    def make(scene):
        token = scene.keys.issuer.token(**claims)
        path = scene.file("token", token)
        return principal("workload") | WEBHOOK | {"AZURE_FEDERATED_TOKEN_FILE": path}

    return Piece(says, make)


def host(says, **variables):
    """Variables with values from `emulator.json`."""
    return Piece(says, lambda scene: {name: scene.hosts[key] for name, key in variables.items()})


# --- service principals

SECRET = with_secret("`AZURE_*` with a secret", "app with a secret")
WRONG_SECRET = with_secret("`AZURE_*` with a wrong secret", "app with a secret", AZURE_CLIENT_SECRET="wrong")
EXPIRED_SECRET = with_secret("`AZURE_*` with an expired secret", "expired app")
DISABLED = with_secret("`AZURE_*` of a disabled application", "disabled app")
UNKNOWN_APP = with_secret("`AZURE_*` of an unknown application", "app with a secret", AZURE_CLIENT_ID=NOBODY)
UNKNOWN_TENANT = with_secret("`AZURE_*` of an unknown tenant", "app with a secret", AZURE_TENANT_ID=NOBODY)
MALFORMED_TENANT = with_secret(
    "`AZURE_*` with a malformed tenant", "app with a secret", AZURE_TENANT_ID="a/b?c"
)
EMPTY_SECRET = with_secret("`AZURE_*`, the secret empty", "app with a secret", AZURE_CLIENT_SECRET="")
CERTIFICATE = Piece(
    "`AZURE_*` with a certificate",
    lambda scene: (
        principal("app with a certificate")
        | {
            "AZURE_CLIENT_CERTIFICATE_PATH": scene.keys.certificate.pfx,
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": PFX_PASSWORD,
        }
    ),
)
CERTIFICATE_BESIDES = Piece(
    "a certificate besides",
    lambda scene: {"AZURE_CLIENT_CERTIFICATE_PATH": scene.keys.certificate.pem},
)
OTHER_CERTIFICATE = Piece(
    "`AZURE_*` with another's certificate",
    lambda scene: (
        principal("app with a certificate") | {"AZURE_CLIENT_CERTIFICATE_PATH": scene.keys.stranger.pem}
    ),
)
MISSING_CERTIFICATE = Piece(
    "`AZURE_*` with the path of a missing certificate",
    lambda scene: (
        principal("app with a certificate")
        | {"AZURE_CLIENT_CERTIFICATE_PATH": str(scene.folder / "no-such-file.pem")}
    ),
)
NO_TENANT = fixed(
    "`AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` without a tenant",
    AZURE_CLIENT_ID=client_id("app with a secret"),
    AZURE_CLIENT_SECRET=secret("app with a secret"),
)
NO_SECRET = fixed("`AZURE_TENANT_ID` and `AZURE_CLIENT_ID` alone", **principal("app with a secret"))
USER_PASSWORD = fixed(
    "`AZURE_USERNAME` and `AZURE_PASSWORD`",
    AZURE_TENANT_ID=TENANT,
    AZURE_CLIENT_ID="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    AZURE_USERNAME=f"ada@{DOMAIN}",
    AZURE_PASSWORD=PASSWORD,
)
NO_AUTHORITY = Piece(
    "`AZURE_AUTHORITY_HOST` where nothing listens",
    lambda scene: {"AZURE_AUTHORITY_HOST": scene.closed.replace("http:", "https:")},
)
HIML = fixed("`HIML_*`", **himl("hi-ml's app"))
WRONG_HIML = fixed(
    "`HIML_*` with a wrong password", **himl("hi-ml's app", HIML_SERVICE_PRINCIPAL_PASSWORD="wrong")
)
EMPTY_HIML = fixed("`HIML_*`, the password empty", **himl("hi-ml's app", HIML_SERVICE_PRINCIPAL_PASSWORD=""))
HALF_HIML = fixed(
    "`HIML_SERVICE_PRINCIPAL_ID` and `_PASSWORD` without a tenant",
    **{name: value for name, value in himl("hi-ml's app").items() if name != "HIML_TENANT_ID"},
)

# --- federated tokens

WORKLOAD = workload("a pod with workload identity")
WRONG_SUBJECT = workload(
    "a pod whose token has another subject", sub="system:serviceaccount:ml:somebody-else"
)
EXPIRED_TOKEN = workload("a pod whose token has expired", lifetime=-300)
MISSING_TOKEN = Piece(
    "a pod whose token file is missing",
    lambda scene: (
        principal("workload") | WEBHOOK | {"AZURE_FEDERATED_TOKEN_FILE": str(scene.folder / "no-such-token")}
    ),
)
TOKEN_ALONE = Piece(
    "`AZURE_FEDERATED_TOKEN_FILE` alone",
    lambda scene: {"AZURE_FEDERATED_TOKEN_FILE": scene.file("token", "not.a.token")},
)
GITHUB = Piece(
    "a GitHub Actions job that may request identity tokens",
    lambda scene: (
        principal("workload")
        | {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": scene.answers(200, f'{{"value": "{scene.keys.issuer.token()}"}}')
            + "/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs-own-token",
        }
    ),
)

# --- managed identities

VM = host("a VM", AZURE_POD_IDENTITY_AUTHORITY_HOST="imds_url")
APP_SERVICE = host(
    "App Service", IDENTITY_ENDPOINT="app_service_endpoint", IDENTITY_HEADER="app_service_header"
)
APP_SERVICE_OLD = host(
    "App Service's old variables besides",
    MSI_ENDPOINT="app_service_endpoint",
    MSI_SECRET="app_service_header",
)
SERVICE_FABRIC = host(
    "Service Fabric",
    IDENTITY_ENDPOINT="service_fabric_endpoint",
    IDENTITY_HEADER="service_fabric_header",
    IDENTITY_SERVER_THUMBPRINT="service_fabric_thumbprint",
)
ARC = Piece(
    "Azure Arc",
    lambda scene: {
        "IDENTITY_ENDPOINT": scene.hosts["arc_endpoint"],
        "IMDS_ENDPOINT": scene.hosts["arc_url"],
    },
    lambda scene: scene.has_arc,
)
ML_COMPUTE = host("an Azure ML compute", MSI_ENDPOINT="ml_compute_endpoint", MSI_SECRET="ml_compute_secret")
CLOUD_SHELL = host("Cloud Shell", MSI_ENDPOINT="cloud_shell_endpoint")
ML_JOB = Piece(
    "an Azure ML job on behalf of a user",
    lambda scene: {"OBO_ENDPOINT": scene.hosts["ml_obo_endpoint"], "AZUREML_OBO_ENABLED": "True"},
)
USER_ASSIGNED = fixed(
    "`AZURE_CLIENT_ID` of its user-assigned identity", AZURE_CLIENT_ID=client_id("user-assigned")
)
COMPUTE_USER_ASSIGNED = fixed(
    "`DEFAULT_IDENTITY_CLIENT_ID` of its user-assigned identity",
    DEFAULT_IDENTITY_CLIENT_ID=client_id("user-assigned"),
)
UNKNOWN_IDENTITY = fixed("`AZURE_CLIENT_ID` of an identity it doesn't have", AZURE_CLIENT_ID=NOBODY)
WRONG_HEADER = fixed("a wrong `IDENTITY_HEADER`", IDENTITY_HEADER="wrong")
WRONG_MSI_SECRET = fixed("a wrong `MSI_SECRET`", MSI_SECRET="wrong")
WRONG_THUMBPRINT = fixed("a wrong `IDENTITY_SERVER_THUMBPRINT`", IDENTITY_SERVER_THUMBPRINT="0" * 40)
NO_URL = fixed("an `IDENTITY_ENDPOINT` that is not a URL", IDENTITY_ENDPOINT="over there")
ENDPOINT_ALONE = fixed("`IDENTITY_ENDPOINT` alone", IDENTITY_ENDPOINT="http://127.0.0.1:1/msi/token")
HEADER_ALONE = fixed("`IDENTITY_HEADER` alone", IDENTITY_HEADER="of nothing")
MSI_SECRET_ALONE = fixed("`MSI_SECRET` alone", MSI_SECRET="of nothing")
MSI_ENDPOINT_EMPTY = fixed("`MSI_ENDPOINT` set and empty", MSI_ENDPOINT="")
CLOSED_IMDS = Piece(
    "`AZURE_POD_IDENTITY_AUTHORITY_HOST` where nothing listens",
    lambda scene: {"AZURE_POD_IDENTITY_AUTHORITY_HOST": scene.closed},
)
DOCKER = Piece(
    "Docker Desktop's proxy in IMDS's place",
    lambda scene: {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": scene.answers(
            403,
            "connecting to 169.254.169.254:80: dial tcp 169.254.169.254:80: connectex: A socket operation was "
            "attempted to an unreachable network.",
            "text/plain",
        )
    },
)
HTML_IMDS = Piece(
    "a captive portal's HTML in IMDS's place",
    lambda scene: {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": scene.answers(
            200, "<html><body>Welcome to our hotel</body></html>", "text/html"
        )
    },
)
GARBAGE_IMDS = Piece(
    "an IMDS that answers 200 without a token",
    lambda scene: {"AZURE_POD_IDENTITY_AUTHORITY_HOST": scene.answers(200, '{"hello": "world"}')},
)

REDIRECTING_IMDS = Piece(
    "an IMDS that redirects elsewhere",
    lambda scene: {
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": scene.answers(
            302,
            "",
            Location=scene.hosts["imds_url"]
            + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com",
        )
    },
)

# --- developers' tools

AZ = Piece("Azure CLI signed in", lambda scene: {"az": az(scene, "Ada")})
AZ_APP = Piece("Azure CLI signed in as an application", lambda scene: {"az": az(scene, "app in Azure CLI")})
AZ_OLD = Piece("an Azure CLI of 2022 signed in", lambda scene: {"az": az(scene, "Ada", old=True)})
AZ_FILES = Piece(
    "Azure CLI signed in, with its files",
    lambda scene: {"az": az(scene, "Alan"), "AZURE_CONFIG_DIR": scene.azure_cli_folder},
)
AZ_FILES_ALONE = Piece(
    "the files of a signed-in Azure CLI that is not on PATH",
    lambda scene: {"AZURE_CONFIG_DIR": scene.azure_cli_folder},
)
AZ_SIGNED_OUT = fixed(
    "Azure CLI not signed in", az=program(error="ERROR: Please run 'az login' to setup account.", code=1)
)
AZ_EXPIRED = fixed(
    "Azure CLI whose sign-in has expired",
    az=program(
        error="ERROR: AADSTS700082: The refresh token has expired due to inactivity. The token was issued on "
        "2026-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00. Trace ID: 5ec0ffee-0000-4000-8000-000000000001 "
        "Correlation ID: 5ec0ffee-0000-4000-8000-000000000002 Timestamp: 2026-11-21 00:00:00Z\n"
        "Interactive authentication is needed. Please run:\naz logout\naz login",
        code=1,
    ),
)
AZ_MFA = fixed(
    "Azure CLI that needs a second factor",
    az=program(
        error="ERROR: AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a "
        "new location, you must use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'. "
        "Trace ID: 5ec0ffee-0000-4000-8000-000000000001 Correlation ID: 5ec0ffee-0000-4000-8000-000000000002 "
        "Timestamp: 2026-11-21 00:00:00Z\nInteractive authentication is needed. Please run:\naz login",
        code=1,
    ),
)
AZ_HTML = fixed("Azure CLI that prints HTML", az=program("<html><body>Sign in to the proxy</body></html>"))
AZ_TOKEN_AND_FAILURE = Piece(
    "Azure CLI that prints a token and exits 1", lambda scene: {"az": az(scene, "Ada", code=1)}
)
AZ_127 = fixed("Azure CLI whose Python is gone (exit code 127)", az=program(code=127))
AZ_SILENT = fixed("Azure CLI that prints nothing", az=program())

AZD = Piece("Azure Developer CLI signed in", lambda scene: {"azd": azd(scene, "Grace")})
AZD_SIGNED_OUT = fixed(
    "Azure Developer CLI not signed in",
    azd=program(azd_message("\nERROR: not logged in, run `azd auth login` to login\n"), code=1),
)
PWSH = Piece("Azure PowerShell signed in", lambda scene: {"pwsh": pwsh(scene, "app in PowerShell")})
PWSH_WITHOUT_MODULE = fixed(
    "PowerShell without Az.Accounts", pwsh=program("NO_AZ_ACCOUNT_MODULE\nazcred%no-module")
)
PWSH_SIGNED_OUT = fixed(
    "Azure PowerShell not signed in",
    pwsh=program(error="Get-AzAccessToken: Run Connect-AzAccount to login.", code=1),
)


# Prompts.

# Not a variable: azcred is run with or without a terminal, and the other programs don't check for one.
NO_TERMINAL = fixed("no terminal")
CI_JOB = fixed("`CI=true`", CI="true")
GITHUB_JOB = fixed("`GITHUB_ACTIONS=true`", GITHUB_ACTIONS="true")
PIPELINES_JOB = fixed("`TF_BUILD=True`", TF_BUILD="True")
# A browser would open on another machine than the person's.
SSH = fixed("a session over SSH", SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22", BROWSER="")


# --- a choice


def choice(value):
    return fixed(f"`AZURE_TOKEN_CREDENTIALS={value}`", AZURE_TOKEN_CREDENTIALS=value)
