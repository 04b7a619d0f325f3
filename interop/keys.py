"""Keys, certificates and tokens of other issuers, made with third-party libraries."""

import datetime as dt
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

PASSWORD = "correct horse battery staple"


@dataclass
class Certificate:
    """A self-signed RSA certificate with its key, in each usual file format."""

    folder: Path
    name: str

    def __post_init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        now = dt.datetime.now(dt.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .sign(self.key, hashes.SHA256())
        )
        self.public = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.private = self._private(serialization.NoEncryption())
        locked = serialization.BestAvailableEncryption(PASSWORD.encode())
        self.pem = self._write("pem", (self.private + self.public).encode())
        self.locked_pem = self._write("locked.pem", (self._private(locked) + self.public).encode())
        store = (self.name.encode(), self.key, self.certificate, None)
        self.pfx = self._write("pfx", pkcs12.serialize_key_and_certificates(*store, locked))

    @property
    def public_key(self):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)

    def _private(self, encryption):
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()

    def _write(self, ending, content):
        path = self.folder / f"{self.name}.{ending}"
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def thumbprint(self):
        """SHA-1, as the portal shows it and MSAL's older format requires it."""
        return hashlib.sha1(self.der).hexdigest()


class Issuer:
    """An issuer of tokens that an application trusts, such as a CI system."""

    URL = "https://ci.example/oidc"
    SUBJECT = "repo:contoso/models:ref:refs/heads/main"
    AUDIENCE = "api://AzureADTokenExchange"

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def jwk(self):
        """The public key, as the issuer would publish it."""
        algorithm = jwt.algorithms.RSAAlgorithm
        return json.loads(algorithm.to_jwk(self.key.public_key())) | {"kid": "ci-1", "use": "sig"}

    def token(self, lifetime=600, key=None, **claims):
        """A token, as the CI system would issue it to a job. `claims` replaces claims."""
        now = int(time.time())
        content = {
            "iss": self.URL,
            "sub": self.SUBJECT,
            "aud": self.AUDIENCE,
            "iat": now - 600 if lifetime < 0 else now,
            "nbf": now - 600 if lifetime < 0 else now,
            "exp": now + lifetime,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(content | claims, key or self.key, "RS256", headers={"kid": "ci-1"})
