"""The credential for programs without an event loop, and what the other one shares with it."""

from azcred import _host, _native, _tokens


def core(options):
    """The session behind a credential."""
    for name in ("only", "exclude", "expect_source", "additionally_allowed_tenants"):
        # One source is named by a text: its letters are no sources.
        if isinstance(options[name], str):
            options[name] = [part.strip() for part in options[name].split(",")]
    options["exclude"] = options["exclude"] or ()
    options["additionally_allowed_tenants"] = options["additionally_allowed_tenants"] or ()
    options["attended"] = _host.host().attended
    return _native.Credential(options)


def token_options(options):
    """The arguments of a request, from azure-core's `TokenRequestOptions`."""
    options = options or {}
    return options.get("claims"), options.get("tenant_id"), bool(options.get("enable_cae"))


def token_of(outcome, made_by):
    """The values of a token; raises the error that came instead."""
    if isinstance(outcome, _native.Failure):
        from azcred import _errors

        raise _errors.exception(outcome, made_by)
    return outcome


class Credential:
    """A credential for azure-identity's clients: the account that `azcred token` finds in the same folder.

    All arguments are optional. What is not given is decided by variables, then by files, as for the command.
    Variables and the current folder are read when the credential is made.

    preset: the order of sources: `azcred`, `azure` (as DefaultAzureCredential), `kedro` or `hi-ml`.
    only: try only these sources. exclude: don't try these.
    profile: the profile whose sign-ins are used.
    tenant: request tokens in this tenant.
    additionally_allowed_tenants: calls may name these tenants too; `*` is every tenant.
    expect_tenant, expect_principal, expect_source: fail if the token is for another account.
    process_timeout: seconds that az, azd and pwsh may run, at most 90.
    unattended: never ask a person.
    cache: store tokens on the disk, and use those that are there.
    """

    # The function whose options a fix names.
    _made_by = "azcred.Credential"

    def __init__(
        self,
        *,
        preset=None,
        only=None,
        exclude=None,
        profile=None,
        tenant=None,
        additionally_allowed_tenants=None,
        expect_tenant=None,
        expect_principal=None,
        expect_source=None,
        process_timeout=None,
        unattended=False,
        cache=True,
    ):
        options = dict(locals())
        del options["self"]
        self._core = core(options)

    def _token(self, scopes, claims, tenant_id, enable_cae):
        outcome = self._core.start(scopes, claims, tenant_id, enable_cae)
        if isinstance(outcome, _native.Call):
            with outcome as call:
                try:
                    outcome = call.wait(_host.show)
                except KeyboardInterrupt:
                    _host.show("over")
                    raise
        return token_of(outcome, self._made_by)

    def get_token(self, *scopes, claims=None, tenant_id=None, enable_cae=False, **kwargs):
        """Returns a token for the scopes: a stored one if it is valid, else a new one."""
        return _tokens.access_token(self._token(scopes, claims, tenant_id, enable_cae))

    def get_token_info(self, *scopes, options=None):
        """As `get_token`. The result also says when the token should be refreshed."""
        return _tokens.access_token_info(self._token(scopes, *token_options(options)))

    def close(self):
        """Drops the tokens in memory, and ends requests that still run. The next request starts again."""
        self._core.close()

    def __enter__(self):
        return self

    def __exit__(self, exc_type=None, exc_value=None, traceback=None):
        self.close()
