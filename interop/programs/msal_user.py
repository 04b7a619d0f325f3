"""A program that signs a user in with MSAL.

Standard input: {"authority", "elsewhere", "username", "password", "scope", "other_scope"}. Standard output: the access
tokens of five calls in order (password, silent, silent for another scope, silent for another tenant, silent with a
forced refresh), the source of each, and MSAL's account; or MSAL's error.
"""

import json
import sys

import msal

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

job = json.load(sys.stdin)
cache = msal.TokenCache()


def application(authority):
    return msal.PublicClientApplication(
        AZURE_CLI, authority=authority, token_cache=cache, client_capabilities=["CP1"]
    )


def silent(app, scope, **options):
    (account,) = app.get_accounts(job["username"])
    return app.acquire_token_silent_with_error([scope], account, **options)


home = application(job["authority"])
first = home.acquire_token_by_username_password(job["username"], job["password"], [job["scope"]])
if "error" in first:
    answer = {"error": first["error"], "message": first["error_description"], "answer": first}
else:
    results = [
        first,
        silent(home, job["scope"]),
        silent(home, job["other_scope"]),
        silent(application(job["elsewhere"]), job["scope"]),
        silent(home, job["scope"], force_refresh=True),
    ]
    failed = [result for result in results if "error" in result]
    answer = {
        "tokens": [result.get("access_token") for result in results],
        "sources": [result.get("token_source") for result in results],
        "failed": failed,
        "id_token_claims": first["id_token_claims"],
        "account": home.get_accounts()[0],
    }
json.dump(answer, sys.stdout)
