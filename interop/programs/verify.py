"""A program that checks a token like a web API: OpenID configuration, key set, PyJWT.

Standard input: {"configuration", "token", "audience", "issuer"}. Standard output: the claims, or the error.
"""

import json
import sys

import jwt
import requests

job = json.load(sys.stdin)
configuration = requests.get(job["configuration"], timeout=30)
configuration.raise_for_status()
configuration = configuration.json()
# PyJWKClient uses urllib, which treats proxies and trust differently: a second HTTP client for one call.
keys = jwt.PyJWKClient(configuration["jwks_uri"], timeout=30)
try:
    key = keys.get_signing_key_from_jwt(job["token"])
    claims = jwt.decode(
        job["token"],
        key.key,
        algorithms=configuration["id_token_signing_alg_values_supported"],
        audience=job["audience"],
        issuer=job["issuer"],
        options={"require": ["exp", "nbf", "iat", "aud", "iss"]},
    )
    answer = {
        "claims": claims,
        "header": jwt.get_unverified_header(job["token"]),
        "issuer": configuration["issuer"],
    }
except jwt.PyJWTError as error:
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
