"""A program that signs in with MSAL.

Standard input: {"client_id", "authority", "client_credential", "scope", "instance_discovery"}. Standard output: the
token, or MSAL's error.
"""

import json
import sys

import msal

job = json.load(sys.stdin)
try:
    app = msal.ConfidentialClientApplication(
        job["client_id"],
        authority=job["authority"],
        client_credential=job["client_credential"],
        instance_discovery=job["instance_discovery"],
    )
    first = app.acquire_token_for_client([job["scope"]])
    second = app.acquire_token_for_client([job["scope"]])
    if "access_token" in first:
        answer = {
            "token": first["access_token"],
            "expires_in": first["expires_in"],
            "cached": second.get("token_source") == "cache",
        }
    else:
        answer = {"error": first["error"], "message": first["error_description"], "answer": first}
except ValueError as error:  # MSAL requests the tenant's configuration in the constructor
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
