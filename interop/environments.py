"""The environments in which programs are compared, the identity that each program gets, and where azcred differs on
purpose.

test_same_identity.py compares this table with the programs.
"""

from dataclasses import dataclass, field

import pieces as p

# An outcome is the name of the token's identity, or one of these, or Entra ID's code. If a program then prompts a
# person, the outcome says what came before.
NOTHING = "nothing"
ERROR = "error"
ASKS = "asks: "

# How a person is prompted, in order, and for how many seconds: by azure-identity's default, and as in
# kedro-azureml-pipeline and hi-ml.
BROWSER, CODE = "InteractiveBrowserCredential", "DeviceCodeCredential"
ASKED_BY = {
    "azure": [[BROWSER, 300]],
    "kedro": [[BROWSER, 300]],
    "hi-ml": [[CODE, 60], [BROWSER, 60]],
    "azcred": [[BROWSER, 300], [CODE, 900]],
}
# The variables that mark a CI job. One of them is enough.
CI = ({"CI": "true"}, {"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"})

# The compared programs, by column. The last two are classes that programs use separately.
PROGRAMS = ("azure", "kedro", "hi-ml", "managed", "workload")
# The preset that is compared with each program. `azcred` is compared with none, and has a column for the page.
PRESETS = {
    "azure": "azure",
    "kedro": "kedro",
    "hi-ml": "hi-ml",
    "azcred": "azcred",
    "managed": "azure",
    "workload": "azure",
}
# The value of `AZURE_TOKEN_CREDENTIALS` with which the preset equals the class.
ALONE = {"managed": "ManagedIdentityCredential", "workload": "WorkloadIdentityCredential"}


@dataclass(frozen=True)
class Ours:
    """An outcome of azcred that differs from the program's, and why."""

    outcome: str
    why: str


# Why azcred differs.
REFUSED_BY_HOST = (
    "A host that is there and rejects the request is not a missing host. To go on, as azure-identity does, would use "
    "another account."
)
POD_BY_NAME = (
    "The class treats a pod's workload identity as a managed identity. In both chains workload identity is another "
    "source, with its own name."
)
COMPUTES_IDENTITY = (
    "Azure ML says in this variable which identity a compute has. azure-identity leaves it to each "
    "program to read it."
)
EMPTY_IS_UNSET = "An empty variable counts as unset, everywhere in azcred."
USER_PASSWORD = (
    "azcred has no source for a person's password: it can't pass a second factor, and azure-identity "
    "calls it deprecated."
)
CODE_IS_TOLD = (
    "azcred's error has Entra ID's code. MSAL's error has none, because MSAL requests the tenant's "
    "configuration before a token."
)
TOOL_FAILED = (
    "azcred's error says that the tool is there and failed. azure-identity calls it unavailable. Neither "
    "gets a token."
)
NOBODY_SEES = (
    "Without a terminal, and in a CI job, no person would see a code. azcred ends, where the program "
    "opens a browser or waits for minutes."
)
NO_BROWSER_HERE = (
    "Over SSH a browser would open on the wrong computer, if at all. kedro-azureml-pipeline tries and fails, or waits. "
    "azcred checks first."
)
OWN_NAMES = "The sources that only azcred has can be chosen by their names too."
FILES_ARE_ENOUGH = "If Azure CLI's files have the token that it would return, azcred reads it there."


def instead(outcome, why, *columns):
    """The same difference in several columns. Without columns: those of azure-identity's chain. kedro then prompts."""
    return {
        column: Ours(then_asks(outcome) if column == "kedro" else outcome, why)
        for column in columns or ("azure", "kedro")
    }


def then_asks(outcome):
    """The outcome of a program that prompts a person whenever there is no token."""
    failed = outcome in (NOTHING, ERROR) or outcome.startswith("AADSTS")
    return ASKS + outcome if failed else outcome


def alone(column, outcome):
    """azcred's outcome without a person to prompt, in a column that prompts."""
    return {column: Ours(outcome, NOBODY_SEES)}


@dataclass
class Environment:
    """Some pieces, and each program's outcome with them. A program that is left out is not run."""

    pieces: list[p.Piece]
    azure: str
    himl: str
    # Its chain is azure-identity's. After that it prompts.
    kedro: str | None = None
    managed: str | None = None
    workload: str | None = None
    # The outcome of the preset `azcred`, which is checked but not compared with a program.
    azcred: str | None = None
    # Whether the preset `azcred` prompts a person if it finds nothing.
    asks: bool = True
    ours: dict[str, Ours] = field(default_factory=dict)

    def __post_init__(self):
        if self.kedro is None:
            self.kedro = then_asks(self.azure)

    @property
    def name(self):
        return "; ".join(piece.says for piece in self.pieces) or "nothing at all"

    def is_possible(self, scene):
        """Whether this machine can make the environment."""
        return all(piece.is_possible(scene) for piece in self.pieces)

    def theirs(self, column):
        """The outcome of a column's program. `None` if it is not run."""
        return self.himl if column == "hi-ml" else getattr(self, column)

    def expected(self, column):
        """azcred's expected outcome at a terminal: the program's, unless the table has a difference."""
        if column in self.ours:
            return self.ours[column].outcome
        if column == "azcred":
            # It prompts a person if it finds nothing, but not after a failure.
            outcome = self.azcred or self.expected("azure")
            return ASKS + NOTHING if outcome == NOTHING and self.asks else outcome
        return self.theirs(column) or ""

    def expected_alone(self, column):
        """azcred's expected outcome without a person to prompt."""
        return self.expected(column).removeprefix(ASKS)

    @property
    def has_terminal(self):
        return p.NO_TERMINAL not in self.pieces

    def asks_by(self, column):
        """The credential with which azcred prompts a person first."""
        if column in ("azure", "azcred") and p.choice(CODE).says in self.name:
            return CODE
        return next(name for name, _ in ASKED_BY[column] if name == CODE or p.SSH not in self.pieces)


SECTIONS = {
    "One source": [
        Environment(
            [],
            NOTHING,
            ASKS + NOTHING,
            managed=NOTHING,
            workload=NOTHING,
        ),
        Environment([p.SECRET], "app with a secret", ASKS + NOTHING, workload=NOTHING),
        Environment([p.CERTIFICATE], "app with a certificate", ASKS + NOTHING),
        Environment([p.HIML], NOTHING, "hi-ml's app", azcred="hi-ml's app"),
        Environment(
            [p.WORKLOAD],
            "workload",
            ASKS + NOTHING,
            managed="workload",
            workload="workload",
            ours=instead(NOTHING, POD_BY_NAME, "managed"),
        ),
        Environment([p.VM], "the VM itself", ASKS + NOTHING, managed="the VM itself"),
        Environment([p.VM, p.USER_ASSIGNED], "user-assigned", ASKS + NOTHING, managed="user-assigned"),
        Environment([p.APP_SERVICE], "the web app itself", ASKS + NOTHING, managed="the web app itself"),
        Environment(
            [p.APP_SERVICE, p.USER_ASSIGNED], "user-assigned", ASKS + NOTHING, managed="user-assigned"
        ),
        Environment(
            [p.SERVICE_FABRIC], "the Fabric app itself", ASKS + NOTHING, managed="the Fabric app itself"
        ),
        Environment([p.ARC], "the Arc server itself", ASKS + NOTHING, managed="the Arc server itself"),
        Environment(
            [p.ML_COMPUTE], "the compute itself", ASKS + NOTHING, ASKS + NOTHING, managed="the compute itself"
        ),
        Environment(
            [p.ML_COMPUTE, p.COMPUTE_USER_ASSIGNED],
            "the compute itself",
            ASKS + NOTHING,
            ASKS + NOTHING,
            managed="the compute itself",
            ours=instead("user-assigned", COMPUTES_IDENTITY, "azure", "managed"),
        ),
        Environment([p.CLOUD_SHELL], "Alan", ASKS + NOTHING, ASKS + NOTHING, managed="Alan"),
        Environment([p.ML_JOB], NOTHING, ASKS + NOTHING, azcred="Alan"),
        Environment(
            [p.GITHUB],
            NOTHING,
            ASKS + NOTHING,
            azcred="workload",
            ours=alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment([p.AZ], "Ada", "Ada"),
        Environment([p.AZ_APP], "app in Azure CLI", "app in Azure CLI"),
        Environment([p.AZ_OLD], "Ada", "Ada"),
        Environment([p.AZ_FILES], "Alan", "Alan"),
        Environment(
            [p.AZ_FILES_ALONE],
            NOTHING,
            ASKS + NOTHING,
            ours=instead("Alan", FILES_ARE_ENOUGH, "azure", "kedro", "hi-ml"),
        ),
        Environment([p.AZD], "Grace", ASKS + NOTHING),
        Environment([p.PWSH], "app in PowerShell", ASKS + NOTHING),
    ],
    "Several sources": [
        Environment([p.SECRET, p.CERTIFICATE_BESIDES], "app with a secret", ASKS + NOTHING),
        Environment([p.SECRET, p.HIML], "app with a secret", "hi-ml's app"),
        Environment([p.SECRET, p.AZ], "app with a secret", "Ada"),
        Environment([p.SECRET, p.VM], "app with a secret", ASKS + NOTHING),
        Environment([p.HIML, p.AZ], "Ada", "hi-ml's app", azcred="hi-ml's app"),
        Environment([p.HIML, p.VM], "the VM itself", "hi-ml's app", azcred="hi-ml's app"),
        Environment([p.WORKLOAD, p.AZ], "workload", "Ada"),
        Environment([p.WORKLOAD, p.APP_SERVICE], "workload", ASKS + NOTHING, workload="workload"),
        Environment([p.VM, p.AZ], "the VM itself", "Ada"),
        Environment([p.APP_SERVICE, p.AZ], "the web app itself", "Ada"),
        Environment([p.APP_SERVICE, p.APP_SERVICE_OLD, p.AZ], "the web app itself", "Ada", "Ada"),
        Environment([p.ML_COMPUTE, p.AZ], "the compute itself", "Ada", "Ada"),
        Environment([p.ML_COMPUTE, p.SECRET], "app with a secret", ASKS + NOTHING),
        Environment([p.ML_COMPUTE, p.USER_ASSIGNED], "user-assigned", ASKS + NOTHING, ASKS + NOTHING),
        Environment([p.CLOUD_SHELL, p.USER_ASSIGNED], "Alan", ASKS + NOTHING, ASKS + NOTHING),
        Environment([p.ARC, p.AZ], "the Arc server itself", "Ada"),
        Environment([p.WORKLOAD, p.VM], "workload", ASKS + NOTHING, workload="workload"),
        Environment([p.CLOUD_SHELL, p.AZ], "Alan", "Ada", "Ada"),
        Environment([p.ML_JOB, p.AZ], "Ada", "Ada", azcred="Alan"),
        Environment([p.GITHUB, p.AZ], "Ada", "Ada", azcred="workload"),
        Environment([p.AZ, p.AZD], "Ada", "Ada"),
        Environment([p.AZ, p.PWSH, p.AZD], "Ada", "Ada"),
        Environment([p.PWSH, p.AZD], "app in PowerShell", ASKS + NOTHING),
    ],
    "Refused by Entra ID": [
        Environment([p.WRONG_SECRET], "AADSTS7000215", ASKS + NOTHING),
        Environment([p.WRONG_SECRET, p.AZ], "AADSTS7000215", "Ada"),
        Environment([p.WRONG_SECRET, p.HIML], "AADSTS7000215", "hi-ml's app"),
        Environment([p.EXPIRED_SECRET], "AADSTS7000222", ASKS + NOTHING),
        Environment([p.DISABLED], "AADSTS7000112", ASKS + NOTHING),
        Environment([p.UNKNOWN_APP, p.VM], "AADSTS700016", ASKS + NOTHING),
        Environment([p.UNKNOWN_TENANT], ERROR, ASKS + NOTHING, ours=instead("AADSTS90002", CODE_IS_TOLD)),
        Environment([p.OTHER_CERTIFICATE, p.AZ], "AADSTS700027", "Ada"),
        Environment([p.SECRET, p.NO_AUTHORITY, p.AZ], ERROR, "Ada"),
        Environment([p.WRONG_HIML], NOTHING, "AADSTS7000215", azcred="AADSTS7000215"),
        Environment([p.WRONG_HIML, p.AZ], "Ada", "AADSTS7000215", azcred="AADSTS7000215"),
        Environment([p.WRONG_SUBJECT, p.AZ], "AADSTS700213", "Ada", workload="AADSTS700213"),
        Environment([p.EXPIRED_TOKEN, p.AZ], "AADSTS700024", "Ada", workload="AADSTS700024"),
        Environment([p.AZ_EXPIRED], "AADSTS700082", ASKS + "AADSTS700082"),
        Environment([p.AZ_EXPIRED, p.AZD], "Grace", ASKS + "AADSTS700082", azcred="AADSTS700082"),
        Environment([p.AZ_MFA], "AADSTS50076", ASKS + "AADSTS50076"),
    ],
    "Rejected by a host, or an unusable response": [
        Environment([p.VM, p.UNKNOWN_IDENTITY], NOTHING, ASKS + NOTHING, managed=NOTHING),
        Environment([p.VM, p.UNKNOWN_IDENTITY, p.AZ], "Ada", "Ada"),
        Environment([p.APP_SERVICE, p.UNKNOWN_IDENTITY, p.AZ], "Ada", "Ada", managed=NOTHING),
        Environment([p.ARC, p.UNKNOWN_IDENTITY, p.AZ], "Ada", "Ada", managed=NOTHING),
        Environment([p.SERVICE_FABRIC, p.USER_ASSIGNED], ERROR, ASKS + NOTHING, managed=ERROR),
        Environment([p.SERVICE_FABRIC, p.WRONG_THUMBPRINT, p.AZ], ERROR, "Ada"),
        Environment(
            [p.APP_SERVICE, p.WRONG_HEADER],
            NOTHING,
            ASKS + NOTHING,
            managed=NOTHING,
            ours=instead(ERROR, REFUSED_BY_HOST, "azure", "kedro", "managed"),
        ),
        Environment(
            [p.APP_SERVICE, p.WRONG_HEADER, p.AZ], "Ada", "Ada", ours=instead(ERROR, REFUSED_BY_HOST)
        ),
        # Its errors are no JSON, which MSAL expects.
        Environment([p.ML_COMPUTE, p.WRONG_MSI_SECRET, p.AZ], ERROR, "Ada", kedro="Ada"),
        Environment([p.CLOSED_IMDS, p.AZ], "Ada", "Ada"),
        Environment([p.DOCKER, p.AZ], "Ada", "Ada"),
        Environment([p.HTML_IMDS, p.AZ], "Ada", "Ada"),
        Environment([p.GARBAGE_IMDS, p.AZ], "Ada", "Ada"),
        Environment([p.REDIRECTING_IMDS, p.AZ], "Ada", "Ada"),
        Environment([p.APP_SERVICE, p.NO_URL, p.AZ], ERROR, "Ada"),
    ],
    "Half of what is needed": [
        Environment([p.NO_TENANT, p.AZ], "Ada", "Ada"),
        Environment([p.NO_SECRET, p.AZ], "Ada", "Ada"),
        Environment([p.NO_SECRET], NOTHING, ASKS + NOTHING),
        Environment([p.EMPTY_SECRET, p.AZ], ERROR, "Ada", ERROR, ours=instead("Ada", EMPTY_IS_UNSET)),
        Environment([p.MALFORMED_TENANT, p.AZ], ERROR, "Ada", ERROR),
        Environment([p.MISSING_CERTIFICATE, p.AZ], ERROR, "Ada", ERROR),
        Environment([p.USER_PASSWORD], "Ada", ASKS + NOTHING, ours=instead(NOTHING, USER_PASSWORD)),
        Environment([p.HALF_HIML, p.AZ], "Ada", "Ada"),
        Environment([p.EMPTY_HIML, p.AZ], "Ada", "Ada"),
        Environment([p.TOKEN_ALONE, p.AZ], "Ada", "Ada", workload=NOTHING),
        Environment([p.MISSING_TOKEN, p.AZ], ERROR, "Ada", workload=ERROR),
        Environment([p.ENDPOINT_ALONE, p.VM], NOTHING, ASKS + NOTHING, managed=NOTHING),
        Environment([p.HEADER_ALONE, p.VM], "the VM itself", ASKS + NOTHING, managed="the VM itself"),
        Environment([p.MSI_SECRET_ALONE, p.VM], "the VM itself", ASKS + NOTHING, managed="the VM itself"),
        Environment(
            [p.MSI_ENDPOINT_EMPTY, p.VM],
            "the VM itself",
            ASKS + NOTHING,
            ASKS + NOTHING,
            ours=instead("the VM itself", EMPTY_IS_UNSET, "kedro"),
        ),
    ],
    "Tools that return no token": [
        Environment([p.AZ_SIGNED_OUT], NOTHING, ASKS + NOTHING),
        Environment([p.AZ_SIGNED_OUT, p.AZD], "Grace", ASKS + NOTHING),
        Environment([p.AZ_SIGNED_OUT, p.PWSH_SIGNED_OUT, p.AZD_SIGNED_OUT], NOTHING, ASKS + NOTHING),
        Environment([p.PWSH_WITHOUT_MODULE, p.AZD], "Grace", ASKS + NOTHING),
        Environment([p.AZ_HTML], NOTHING, ASKS + ERROR, ours=instead(ERROR, TOOL_FAILED)),
        Environment([p.AZ_HTML, p.AZD], "Grace", ASKS + ERROR, azcred=ERROR),
        Environment([p.AZ_TOKEN_AND_FAILURE], NOTHING, ASKS + ERROR, ours=instead(ERROR, TOOL_FAILED)),
        Environment([p.AZ_SILENT, p.AZD], "Grace", ASKS + ERROR, azcred=ERROR),
        Environment([p.AZ_127, p.AZD], "Grace", ASKS + NOTHING),
    ],
    "With a source chosen": [
        Environment([p.SECRET, p.AZ, p.choice("dev")], "Ada", "Ada"),
        Environment([p.AZ, p.choice("prod")], NOTHING, "Ada", asks=False),
        Environment([p.SECRET, p.AZ, p.choice("prod")], "app with a secret", "Ada"),
        Environment([p.SECRET, p.AZ, p.choice("azureclicredential")], "Ada", "Ada"),
        Environment(
            [p.SECRET, p.VM, p.choice("ManagedIdentityCredential")], NOTHING, ASKS + NOTHING, asks=False
        ),
        Environment([p.VM, p.AZ, p.choice("ManagedIdentityCredential")], "the VM itself", "Ada"),
        Environment([p.WORKLOAD, p.AZ, p.choice("WorkloadIdentityCredential")], "workload", "Ada"),
        Environment([p.AZ, p.AZD, p.choice("AzureDeveloperCliCredential")], "Grace", "Ada"),
        Environment([p.AZ, p.PWSH, p.choice("AzurePowerShellCredential")], "app in PowerShell", "Ada"),
        Environment([p.AZ, p.choice("EnvironmentCredential")], NOTHING, "Ada", asks=False),
        Environment([p.AZ, p.choice("VisualStudioCodeCredential")], NOTHING, "Ada", asks=False),
        Environment([p.AZ, p.choice("InteractiveBrowserCredential")], ASKS + NOTHING, "Ada"),
        Environment(
            [p.AZ, p.choice("DeviceCodeCredential")],
            ERROR,
            "Ada",
            ERROR,
            ours=instead(ASKS + NOTHING, OWN_NAMES),
        ),
        Environment([p.AZ, p.choice("")], "Ada", "Ada"),
        Environment([p.AZ, p.choice(" Dev ")], "Ada", "Ada"),
        Environment([p.AZ, p.choice("everything")], ERROR, "Ada", ERROR),
        Environment([p.ML_COMPUTE, p.AZ, p.choice("prod")], "the compute itself", "Ada", ASKS + NOTHING),
        Environment(
            [p.ML_COMPUTE, p.choice("ManagedIdentityCredential")], "the compute itself", ASKS + NOTHING, ERROR
        ),
    ],
    "Where no person can be asked": [
        Environment(
            [p.NO_TERMINAL],
            NOTHING,
            ASKS + NOTHING,
            asks=False,
            ours=alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment(
            [p.WRONG_SECRET, p.NO_TERMINAL],
            "AADSTS7000215",
            ASKS + NOTHING,
            ours=alone("kedro", "AADSTS7000215") | alone("hi-ml", NOTHING),
        ),
        Environment(
            [p.CI_JOB],
            NOTHING,
            ASKS + NOTHING,
            asks=False,
            ours=alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment(
            [p.AZ_EXPIRED, p.CI_JOB],
            "AADSTS700082",
            ASKS + "AADSTS700082",
            ours=alone("kedro", "AADSTS700082") | alone("hi-ml", "AADSTS700082"),
        ),
        Environment(
            [p.GITHUB_JOB],
            NOTHING,
            ASKS + NOTHING,
            asks=False,
            ours=alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment(
            [p.PIPELINES_JOB],
            NOTHING,
            ASKS + NOTHING,
            asks=False,
            ours=alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment(
            [p.CI_JOB, p.choice("InteractiveBrowserCredential")],
            ASKS + NOTHING,
            ASKS + NOTHING,
            asks=False,
            ours=alone("azure", NOTHING) | alone("kedro", NOTHING) | alone("hi-ml", NOTHING),
        ),
        Environment([p.SSH], NOTHING, ASKS + NOTHING, ours={"kedro": Ours(NOTHING, NO_BROWSER_HERE)}),
        Environment(
            [p.WRONG_SECRET, p.SSH],
            "AADSTS7000215",
            ASKS + NOTHING,
            ours={"kedro": Ours("AADSTS7000215", NO_BROWSER_HERE)},
        ),
    ],
}
ENVIRONMENTS = [environment for section in SECTIONS.values() for environment in section]
