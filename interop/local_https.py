"""A certificate for servers on this computer, which programs in the emulator trust beside the emulator's own."""

import datetime as dt
import http.server
import json
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def signed(subject, issuer, key, issuers_key, extension):
    """A certificate in PEM."""
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(extension, critical=True)
        .sign(issuers_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


class Trusted:
    """A certificate of `localhost`, and the variables by which programs trust it and use no proxy to it."""

    def __init__(self, folder, emulator):
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.authority = folder / "authority.pem"
        key, issuers_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
        issuer = named("an authority of the tests")
        authority = signed(issuer, issuer, issuers_key, issuers_key, x509.BasicConstraints(True, 0))
        self.authority.write_bytes(authority)
        subject = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        self.certificate.write_bytes(signed(named("localhost"), issuer, key, issuers_key, subject))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        self.key.write_bytes(key.private_bytes(*form, serialization.NoEncryption()))
        with open(emulator.info["ca_bundle"], "rb") as others:
            bundle = others.read() + b"\n" + authority
        path = folder / "bundle.pem"
        path.write_bytes(bundle)
        self.variables = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), path)
        self.variables["NO_PROXY"] = "localhost,127.0.0.1"

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Recorder:
    """An HTTPS server that returns one document to every request, and records the requests. Use it with `with`."""

    def __init__(self, trusted, document):
        recorded = self.requests = []
        content = json.dumps(document).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorded.append((self.path, self.headers.get("Authorization")))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = trusted.server_context()
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"localhost:{self.server.server_address[1]}"

    def __enter__(self):
        # The server checks this often whether it must end, and the caller waits for that.
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
