"""What programs of others do in the emulator: each program, how it signs in, where, and what comes of it.

test_programs.py compares this table with the programs. programs_page.py makes the page docs/programs.md from a run.
"""

from dataclasses import dataclass

# The names of `--as`, and whose the token is there. With `no-account`, Ada signs in.
ADA = "e0000001-0000-4000-8000-000000000001"
ACCOUNTS = {
    "service-principal": "d0000001-0000-4000-8000-000000000001",
    "certificate": "d0000001-0000-4000-8000-000000000002",
    "laptop": ADA,
    "github": "d0000001-0000-4000-8000-000000000005",
    "azure-pipelines": "d0000001-0000-4000-8000-000000000005",
    "aks": "d0000001-0000-4000-8000-00000000000c",
    "azureml-compute": "d0000001-0000-4000-8000-000000000101",
    "azureml-job": ADA,
    "app-service": "d0000001-0000-4000-8000-000000000112",
    "service-fabric": "d0000001-0000-4000-8000-000000000113",
    "vm": "d0000001-0000-4000-8000-000000000111",
    "arc": "d0000001-0000-4000-8000-000000000114",
    "cloud-shell": ADA,
    "no-account": ADA,
}


@dataclass(frozen=True)
class Program:
    """A program, or a library in a program that uses it as its documentation says."""

    name: str
    section: str
    # How it is started, as `installed.py` knows it.
    by: str
    # What it does with its token, for the page.
    does: str = "gets a token"
    # The versions of what runs it, if it is run in several.
    runtimes: tuple = ("",)
    # What it finds with its token. A program that finds nothing prints the token.
    finds: tuple = ()
    uses_storage: bool = False
    # It also uses the endpoint `dfs`, which the emulator does not serve. Its names lead to Azurite.
    is_routed: bool = False


@dataclass(frozen=True)
class Check:
    """What comes of one of a program's ways to sign in."""

    program: Program
    way: str
    # The value of `--as`, and other options.
    where: str
    runtime: str
    finds: tuple = ()
    # What the program says instead of a result, as a pattern, and why it does, for the page.
    says: str = ""
    why: str = ""

    @property
    def persona(self):
        return self.where.split()[0]

    @property
    def options(self):
        return tuple(self.where.split()[1:])

    @property
    def row(self):
        """What the page shows of it, besides the version."""
        return {
            "section": self.program.section,
            "program": self.program.name,
            "does": self.program.does,
            "runtime": self.runtime,
            "way": self.way,
            "where": self.where,
            "result": f"no: {self.why}" if self.why else "works",
        }


def works(program, way, *places, on=None):
    return [
        Check(program, way, where, runtime, program.finds)
        for where in places
        for runtime in on or program.runtimes
    ]


def refused(program, way, *places, says, why, on=None):
    return [
        Check(program, way, where, runtime, says=says, why=why)
        for where in places
        for runtime in on or program.runtimes
    ]


PYTHON, NODE, RUST, GO, CPP, TOOLS = "Python", "Node.js", "Rust", "Go", "C++", "Other programs"
NODES = ("20", "24")
BLOB, WORKSPACE, ROLE = ("day.csv",), ("ws-contoso-ml",), ("AzureML Data Scientist",)

IDENTITY_PY = Program("azure-identity", PYTHON, "python")
MSAL_PY = Program("msal", PYTHON, "python")
AZURE_AI_ML = Program("azure-ai-ml", PYTHON, "python", "reads the workspace", finds=WORKSPACE)
MGMT_RESOURCE = Program(
    "azure-mgmt-resource", PYTHON, "python", "lists the resource groups", finds=("rg-contoso-ml",)
)
MGMT_AUTHORIZATION = Program("azure-mgmt-authorization", PYTHON, "python", "reads a role", finds=ROLE)
AZUREML_CORE = Program("azureml-core", PYTHON, "python-sdk-v1", "reads the workspace", finds=WORKSPACE)
ADAL = Program("adal", PYTHON, "python-heavy")
PYARROW = Program(
    "pyarrow", CPP, "python-heavy", "lists a container", finds=BLOB, uses_storage=True, is_routed=True
)
MSGRAPH = Program("msgraph-sdk", PYTHON, "python-graph", "reads the directory", finds=("ada@contoso.com",))
STORAGE_PY = Program(
    "azure-storage-blob", PYTHON, "python", "lists a container", finds=BLOB, uses_storage=True
)
ADLFS = Program("adlfs", PYTHON, "python-heavy", "lists a container", finds=BLOB, uses_storage=True)
POLARS = Program("polars", PYTHON, "python-heavy", "reads a table", finds=("a", "b"), uses_storage=True)
DELTALAKE = Program(
    "deltalake", PYTHON, "python-heavy", "writes and reads a table", finds=("a", "b"), uses_storage=True
)

IDENTITY_JS = Program("@azure/identity", NODE, "node", runtimes=NODES)
MSAL_JS = Program("@azure/msal-node", NODE, "node", runtimes=NODES)
ARM_AUTHORIZATION = Program("@azure/arm-authorization", NODE, "node", "reads a role", NODES, ROLE)
ARM_ML = Program("@azure/arm-machinelearning", NODE, "node", "reads the workspace", NODES, WORKSPACE)
STORAGE_JS = Program("@azure/storage-blob", NODE, "node", "lists a container", NODES, BLOB, uses_storage=True)
OPENID_CLIENT = Program("openid-client", NODE, "node", runtimes=NODES)

IDENTITY_RS = Program("azure_identity", RUST, "rust")
STORAGE_RS = Program("azure_storage_blob", RUST, "rust", "lists a container", finds=BLOB, uses_storage=True)
OBJECT_STORE = Program("object_store", RUST, "rust", "lists a container", finds=BLOB, uses_storage=True)
OPENDAL = Program("opendal", RUST, "rust", "lists a container", finds=BLOB, uses_storage=True)
RCLONE_DEBIAN = Program(
    "rclone of Debian", GO, "rclone-debian", "lists a container", finds=BLOB, uses_storage=True
)

AZ = Program("Azure CLI", TOOLS, "az")
AZ_STORAGE = Program("Azure CLI", TOOLS, "az", "lists a container", finds=BLOB, uses_storage=True)
AZCOPY_GO = Program("azcopy", GO, "azcopy", "downloads a blob", finds=("a,b", "1,2"), uses_storage=True)
RCLONE_GO = Program("rclone", GO, "rclone", "lists a container", finds=BLOB, uses_storage=True)
JAVA_HTTP = Program("java.net.http", TOOLS, "java")

NO_JOBS_TOKEN = "it can't request a job's token; `ClientAssertionCredential` takes one"
NOTHING = "nothing is signed in"
OWN_CERTIFICATE = "it rejects the certificate of the host, which no authority has signed"
IMDS_ONLY = "of the hosts, it knows IMDS only"


def by_fetch(program, way, where):
    """A way that uses Node.js's own `fetch`."""
    why = "Node.js 20's `fetch` ignores proxies: add `--isolate`"
    return [
        *refused(program, way, where, says="fetch failed", why=why, on=["20"]),
        *works(program, way, where, on=["24"]),
    ]


CHECKS = [
    # --- Python
    *works(
        *(IDENTITY_PY, "`DefaultAzureCredential`", "service-principal", "certificate", "laptop", "aks"),
        *("vm", "app-service", "service-fabric", "arc", "azureml-compute", "cloud-shell"),
    ),
    *refused(
        *(IDENTITY_PY, "`DefaultAzureCredential`", "github"),
        says="DefaultAzureCredential failed to retrieve a token",
        why=NO_JOBS_TOKEN,
    ),
    *refused(
        *(IDENTITY_PY, "`DefaultAzureCredential`", "azureml-job"),
        says="DefaultAzureCredential failed to retrieve a token",
        why="it can't act for the job's user; azure-ai-ml's `AzureMLOnBehalfOfCredential` can",
    ),
    *refused(
        *(IDENTITY_PY, "`DefaultAzureCredential`", "no-account"),
        says="DefaultAzureCredential failed to retrieve a token",
        why=NOTHING,
    ),
    *works(IDENTITY_PY, "`DefaultAzureCredential` of `azure.identity.aio`", "service-principal"),
    *works(IDENTITY_PY, "`ClientAssertionCredential`", "github"),
    *works(IDENTITY_PY, "`AzurePipelinesCredential`", "azure-pipelines"),
    *works(IDENTITY_PY, "`InteractiveBrowserCredential`", "no-account"),
    *works(IDENTITY_PY, "`DeviceCodeCredential`", "no-account"),
    *works(MSAL_PY, "`ConfidentialClientApplication`, secret", "service-principal"),
    *works(MSAL_PY, "`ConfidentialClientApplication`, assertion", "github"),
    *works(MSAL_PY, "`ConfidentialClientApplication`, token file", "aks"),
    *works(
        *(MSAL_PY, "`ManagedIdentityClient`", "vm", "app-service", "service-fabric", "arc"),
        "azureml-compute",
    ),
    *refused(
        *(MSAL_PY, "`ManagedIdentityClient`", "cloud-shell"),
        says="Identity not found",
        why="it requests the token from IMDS, which Cloud Shell doesn't have",
    ),
    *works(MSAL_PY, "`PublicClientApplication`, browser", "no-account"),
    *works(MSAL_PY, "`PublicClientApplication`, device code", "no-account"),
    *works(
        *(AZURE_AI_ML, "`DefaultAzureCredential`", "service-principal", "certificate", "laptop", "aks", "vm"),
        *("app-service", "service-fabric", "arc", "azureml-compute", "cloud-shell"),
    ),
    *works(AZURE_AI_ML, "`AzureMLOnBehalfOfCredential`", "azureml-job"),
    *works(MGMT_RESOURCE, "`DefaultAzureCredential`", "service-principal", "laptop", "cloud-shell"),
    *works(MGMT_AUTHORIZATION, "`DefaultAzureCredential`", "laptop", "cloud-shell"),
    *refused(
        *(MGMT_AUTHORIZATION, "`DefaultAzureCredential`", "service-principal"),
        says=r"\(AuthorizationFailed\).*roleDefinitions/read",
        why="its role does not allow `Microsoft.Authorization/roleDefinitions/read`",
    ),
    *works(AZUREML_CORE, "`AzureCliAuthentication`", "laptop"),
    *works(AZUREML_CORE, "`ServicePrincipalAuthentication`", "service-principal"),
    *works(AZUREML_CORE, "`MsiAuthentication`", "vm", "app-service", "azureml-compute", "cloud-shell"),
    *works(ADAL, "`acquire_token_with_client_credentials`", "service-principal"),
    *works(ADAL, "`acquire_token_with_device_code`", "no-account"),
    *works(MSGRAPH, "`DefaultAzureCredential`", "laptop", "cloud-shell"),
    *refused(
        *(MSGRAPH, "`DefaultAzureCredential`", "service-principal"),
        says="Insufficient privileges",
        why="the application has no permission of Graph",
    ),
    *works(
        *(STORAGE_PY, "`DefaultAzureCredential`", "service-principal", "laptop", "aks", "vm"),
        *("app-service", "azureml-compute"),
    ),
    *works(ADLFS, "`anon=False`", "service-principal", "laptop", "aks", "vm", "app-service"),
    *works(POLARS, "without a credential", "service-principal", "laptop", "aks", "vm", "app-service"),
    *works(POLARS, "`use_azure_cli`", "laptop"),
    *works(DELTALAKE, "without a credential", "service-principal", "aks", "vm"),
    *refused(*(DELTALAKE, "without a credential", "app-service"), says="Identity not found", why=IMDS_ONLY),
    *works(DELTALAKE, "`use_azure_cli`", "laptop"),
    # --- Node.js
    *works(
        *(IDENTITY_JS, "`DefaultAzureCredential`", "service-principal", "certificate", "laptop", "aks"),
        *("vm", "app-service", "arc", "azureml-compute", "cloud-shell"),
    ),
    *refused(
        *(IDENTITY_JS, "`ManagedIdentityCredential`", "service-fabric"),
        says="network_error",
        why=OWN_CERTIFICATE,
    ),
    *refused(
        *(IDENTITY_JS, "`DefaultAzureCredential`", "github"),
        says="ChainedTokenCredential authentication failed",
        why=NO_JOBS_TOKEN,
    ),
    *works(IDENTITY_JS, "`ClientAssertionCredential`", "github"),
    *works(IDENTITY_JS, "`AzurePipelinesCredential`", "azure-pipelines"),
    *works(IDENTITY_JS, "`DeviceCodeCredential`", "no-account"),
    *by_fetch(MSAL_JS, "`ConfidentialClientApplication`, secret", "service-principal"),
    *by_fetch(MSAL_JS, "`ConfidentialClientApplication`, assertion", "github"),
    *by_fetch(MSAL_JS, "`ConfidentialClientApplication`, token file", "aks"),
    *by_fetch(MSAL_JS, "`PublicClientApplication`, browser", "no-account"),
    *by_fetch(MSAL_JS, "`PublicClientApplication`, device code", "no-account"),
    *works(MSAL_JS, "`ConfidentialClientApplication`, secret", "service-principal --isolate", on=["20"]),
    *works(
        *(MSAL_JS, "`ManagedIdentityApplication`", "vm", "app-service", "arc", "azureml-compute"),
        "cloud-shell",
    ),
    *refused(
        *(MSAL_JS, "`ManagedIdentityApplication`", "service-fabric"),
        says="network_error",
        why=OWN_CERTIFICATE,
    ),
    *works(ARM_AUTHORIZATION, "`DefaultAzureCredential`", "laptop", "cloud-shell"),
    *works(
        *(ARM_ML, "`DefaultAzureCredential`", "service-principal", "certificate", "laptop", "aks", "vm"),
        *("app-service", "arc", "azureml-compute", "cloud-shell"),
    ),
    *works(STORAGE_JS, "`DefaultAzureCredential`", "service-principal", "laptop", "aks", "vm"),
    *by_fetch(OPENID_CLIENT, "client credentials", "service-principal"),
    *by_fetch(OPENID_CLIENT, "authorization code with PKCE", "no-account"),
    *by_fetch(OPENID_CLIENT, "device code", "no-account"),
    *works(OPENID_CLIENT, "client credentials", "service-principal --isolate", on=["20"]),
    *works(OPENID_CLIENT, "device code", "no-account --isolate", on=["20"]),
    # --- Rust
    *works(IDENTITY_RS, "`ClientSecretCredential`", "service-principal"),
    *works(IDENTITY_RS, "`DeveloperToolsCredential`", "laptop"),
    *works(IDENTITY_RS, "`WorkloadIdentityCredential`", "aks"),
    *works(IDENTITY_RS, "`AzurePipelinesCredential`", "azure-pipelines"),
    *works(IDENTITY_RS, "`ManagedIdentityCredential`", "vm", "app-service"),
    *refused(
        *(IDENTITY_RS, "`ManagedIdentityCredential`", "service-fabric", "arc", "azureml-compute"),
        "cloud-shell",
        says="managed identity isn't supported",
        why="it doesn't support this host",
    ),
    *works(STORAGE_RS, "`ClientSecretCredential`", "service-principal"),
    *works(STORAGE_RS, "`DeveloperToolsCredential`", "laptop"),
    *works(STORAGE_RS, "`WorkloadIdentityCredential`", "aks"),
    *works(STORAGE_RS, "`ManagedIdentityCredential`", "vm", "app-service"),
    *works(OBJECT_STORE, "`from_env`", "service-principal", "aks", "vm", "app-service"),
    *works(OBJECT_STORE, "`with_use_azure_cli`", "laptop"),
    *refused(
        *(OBJECT_STORE, "`from_env`", "azureml-compute"),
        says="Identity not found",
        why="of the hosts, it knows IMDS and App Service only",
    ),
    *works(OPENDAL, "`Azblob`", "service-principal", "aks", "vm"),
    *refused(OPENDAL, "`Azblob`", "app-service", says="failed to load signing credential", why=IMDS_ONLY),
    # --- Go
    *works(AZCOPY_GO, "`AZCOPY_AUTO_LOGIN_TYPE=SPN`", "service-principal"),
    *works(AZCOPY_GO, "`AZCOPY_AUTO_LOGIN_TYPE=WORKLOAD`", "aks"),
    *works(
        AZCOPY_GO,
        "`AZCOPY_AUTO_LOGIN_TYPE=MSI`",
        "vm",
        "app-service",
        "arc",
        "azureml-compute",
        "cloud-shell",
    ),
    *works(AZCOPY_GO, "`AZCOPY_AUTO_LOGIN_TYPE=AZCLI`", "laptop"),
    *refused(
        *(AZCOPY_GO, "`AZCOPY_AUTO_LOGIN_TYPE=MSI`", "service-fabric"),
        says="failed to verify certificate",
        why=OWN_CERTIFICATE,
    ),
    *works(RCLONE_GO, "`env_auth`", "service-principal", "aks", "vm"),
    *works(RCLONE_GO, "`use_msi`", "vm", "app-service", "arc", "azureml-compute", "cloud-shell"),
    *refused(
        *(RCLONE_GO, "`use_msi`", "service-fabric"),
        says="failed to verify certificate",
        why=OWN_CERTIFICATE,
    ),
    *works(RCLONE_GO, "`use_az`", "laptop"),
    *works(RCLONE_DEBIAN, "`use_msi`", "vm", "vm --isolate"),
    *refused(RCLONE_DEBIAN, "`use_msi`", "app-service", says="Identity not found", why=IMDS_ONLY),
    # --- C++
    *works(
        *(PYARROW, "without a credential", "service-principal", "aks", "vm", "app-service", "arc"),
        *("azureml-compute", "cloud-shell"),
    ),
    # --- others
    *works(AZ, "`az account get-access-token`", "laptop"),
    *works(AZ, "`az login --use-device-code`", "no-account"),
    *works(AZ, "`az login --service-principal`", "service-principal"),
    *works(AZ, "`az login --federated-token`", "aks"),
    *works(AZ, "`az login --federated-token` with a job's token", "github"),
    *works(AZ, "`az login --identity`", "vm", "arc", "app-service", "azureml-compute"),
    *works(AZ_STORAGE, "`az storage blob list --auth-mode login`", "laptop"),
    *works(JAVA_HTTP, "`POST` of a form with the secret", "service-principal"),
    *works(JAVA_HTTP, "`GET` from `169.254.169.254`", "vm"),
    *refused(
        *(JAVA_HTTP, "`GET` from `169.254.169.254`", "no-account"),
        says="Identity not found",
        why=NOTHING,
    ),
    *refused(
        *(JAVA_HTTP, "`GET` from a host that is not Azure's", "no-account"),
        says="403",
        why="the emulator's proxy rejects it",
    ),
]
