"""A program that signs a user in interactively, with MSAL or azure-identity.

Standard input: {"library", "flow", "client_id", "authority", "tenant", "scope", "instance_discovery", "options"}.
Standard output: for a device code, first a line with the URL and the code; then the token, a second token that needs no
prompt, and the account; or the library's error.
"""

import json
import sys

import msal
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DeviceCodeCredential, InteractiveBrowserCredential

job = json.load(sys.stdin)


def show(address, code, *_):
    print(json.dumps({"address": address, "code": code}), flush=True)


def by_msal():
    app = msal.PublicClientApplication(
        job["client_id"],
        authority=f"{job['authority']}/{job['tenant']}",
        instance_discovery=job["instance_discovery"],
    )
    scopes = [job["scope"]]
    if job["flow"] == "browser":
        first = app.acquire_token_interactive(scopes, **job["options"])
    else:
        flow = app.initiate_device_flow(scopes)
        if "user_code" not in flow:
            return {"error": flow.get("error"), "message": flow.get("error_description"), "answer": flow}
        show(flow["verification_uri"], flow["user_code"])
        first = app.acquire_token_by_device_flow(flow)
    if "access_token" not in first:
        return {"error": first.get("error"), "message": first.get("error_description"), "answer": first}
    (account,) = app.get_accounts()
    again = app.acquire_token_silent(scopes, account, force_refresh=True)
    return {
        "token": first["access_token"],
        "again": again["access_token"],
        "username": account["username"],
        "home_account_id": account["home_account_id"],
        "id_token_claims": first["id_token_claims"],
    }


def by_azure_identity():
    options = {"client_id": job["client_id"], "tenant_id": job["tenant"], "authority": job["authority"]}
    if job["instance_discovery"] is False:
        options["disable_instance_discovery"] = True
    if job["flow"] == "browser":
        credential = InteractiveBrowserCredential(**options, **job["options"])
    else:
        credential = DeviceCodeCredential(prompt_callback=show, **options, **job["options"])
    with credential:
        record = credential.authenticate(scopes=[job["scope"]])
        token = credential.get_token(job["scope"])
        again = credential.get_token(job["scope"])
    return {
        "token": token.token,
        "again": again.token,
        "username": record.username,
        "home_account_id": record.home_account_id,
    }


try:
    answer = {"msal": by_msal, "azure-identity": by_azure_identity}[job["library"]]()
except (ClientAuthenticationError, CredentialUnavailableError, ValueError, RuntimeError) as error:
    answer = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(answer))
