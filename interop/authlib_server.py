"""A third-party OAuth2 token endpoint: Authlib's, at the path of Entra ID's.

Authlib checks the client authentication. This file only sets the port, the known clients and the format of a token.
"""

import os
import threading

# HTTP on the loopback address. Authlib reads this when a token is requested.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import Flask, request
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from werkzeug.serving import make_server

TENANT = "5ec0ffee-aaaa-4000-8000-000000000001"


class Client(ClientMixin):
    """A registered client: an identifier, and a secret or a public key."""

    def __init__(self, client_id, secret=None, public_key=None):
        self.client_id, self.secret, self.public_key = client_id, secret, public_key

    def get_client_id(self):
        return self.client_id

    def check_client_secret(self, client_secret):
        return self.secret is not None and self.secret == client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == ("client_secret_post" if self.secret else "client_assertion_jwt")

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope):
        return scope


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_assertion_jwt"]


class Assertion(JWTBearerClientAssertion):
    """Authlib's check of RFC 7523, with the algorithm that Entra ID requires as well."""

    def __init__(self, audience):
        super().__init__()
        self.audience, self.seen = audience, set()

    def get_audiences(self):
        return [self.audience]

    def validate_jti(self, claims, jti):
        new = jti not in self.seen
        self.seen.add(jti)
        return new

    def resolve_client_public_key(self, client):
        return jwk.import_key(client.public_key, "RSA")

    def process_assertion_claims(self, assertion, resolve_key):
        # The library's own check accepts RS256 and ES256 only.
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=["RS256", "PS256"])
        except JoseError as error:
            raise InvalidClientError(description=str(error)) from error
        self.verify_claims(token.claims)
        return token.claims


class AuthlibServer:
    """The server, on a free port, in a separate thread. Use it with `with`."""

    def __init__(self, *clients):
        self.requests = []
        app = Flask(__name__)
        app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 3600}
        known = {client.client_id: client for client in clients}
        authorization = AuthorizationServer(app, known.get, lambda token, request: None)
        authorization.register_grant(ClientCredentials)
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.authority = f"http://127.0.0.1:{self.server.port}"
        path = f"/{TENANT}/oauth2/v2.0/token"
        authorization.register_client_auth_method("client_assertion_jwt", Assertion(self.authority + path))

        @app.post(path)
        def token():
            self.requests.append(request.form.to_dict())
            return authorization.create_token_response()

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()
