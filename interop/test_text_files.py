"""Files as people have them: what other programs read, azcred reads too, with the same meaning.

Each table has a row for each form of a file: which of the other programs read it, and whether azcred does. A
program reads a file if it gets a token, trusts the server, or finds the right workspace. There is one
certificate, one root, one token and one workspace, so a program that reads something else gets nothing.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from emulator import bare_environment
from keys import PASSWORD
from way import ARM, GROUP, HERE, PROGRAM_WITHIN, WORKSPACE

SCOPE = ARM + "/.default"
# Why azcred reads a file that none of the others reads.
DRESSED = "the text is whole, and can be read in one way only"
ONE_LOST = "the certificates beside a damaged one are whole, and azcred says which one is lost"


@dataclass
class Row:
    """One form of a file, and who reads it."""

    form: str
    content: bytes
    # The other programs that read it.
    read_by: set
    azcred: bool = True
    # Why azcred reads what no other program reads, or does not read what another reads.
    why: str = ""
    password: str | None = None

    def check(self, name, got):
        """What is wrong with this row, given who really read the file."""
        others = {program for program, reads in got.items() if program != "azcred" and reads}
        left_out = set(got) - {"azcred"}
        wrong = []
        if others != self.read_by & left_out:
            wrong.append(f"read by {sorted(others)}, and not by {sorted(self.read_by & left_out)}")
        if got["azcred"] != self.azcred:
            wrong.append(f"azcred {'reads' if got['azcred'] else 'does not read'} it")
        if bool(self.read_by) != self.azcred and not self.why:
            wrong.append("azcred differs from all others, or from one of them, and the row does not say why")
        return [f"{name}, {self.form}: {what}" for what in wrong]


def check(name, rows, programs):
    """Compares a table with the programs. `programs` are functions of all rows and their paths."""
    with ThreadPoolExecutor(len(programs)) as threads:
        asked = {program: threads.submit(read) for program, read in programs.items()}
        answers = {program: answer.result() for program, answer in asked.items()}
    wrong = []
    for at, row in enumerate(rows):
        wrong += row.check(name, {program: bool(answer[at]) for program, answer in answers.items()})
    assert not wrong, "\n".join(wrong)


def written(folder, rows, name="file"):
    """Writes each row's file into a folder of its own."""
    paths = []
    for at, row in enumerate(rows):
        path = folder / str(at) / name
        path.parent.mkdir()
        path.touch(mode=0o600)
        path.write_bytes(row.content)
        paths.append(str(path))
    return paths


def utf16(text, mark="\ufeff", order="le"):
    return (mark + text).encode(f"utf-16-{order}")


def one_line(pem):
    """Each section's base64 on one line."""
    lines = pem.splitlines()
    joined = "".join(f"\n{line}\n" if line.startswith("-") else line for line in lines)
    return joined.replace("\n\n", "\n").strip() + "\n"


def labelled(pem, old, new):
    return pem.replace(f"BEGIN {old}", f"BEGIN {new}").replace(f"END {old}", f"END {new}")


def run(command, jobs, environment):
    done = subprocess.run(
        command,
        input=json.dumps({"jobs": jobs, "scope": SCOPE}),
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return [answer.get("read") for answer in answers]


def node():
    program, modules = shutil.which("node"), os.environ.get("AZCRED_NODE_MODULES")
    return [program, HERE / "programs" / "text_files.mjs", modules] if program and modules else None


def azcred(way, each):
    """Whether `azcred token` gets a token, with each of these sets of variables."""

    def token(variables):
        done = way.emulator.azcred("token", "--only", "environment,workload-identity", env=variables)
        assert "panicked" not in done.stderr, done.stderr
        return done.returncode == 0

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(token, each))


# --- certificates


def certificates(of, other):
    """The forms of a certificate with its key. `other` is another certificate."""
    every = {"azure-identity", "node", "az"}
    python = {"azure-identity", "az"}
    pem = of.private + of.public
    encoding, private = serialization.Encoding, serialization.PrivateFormat
    plain = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    pkcs1 = of.key.private_bytes(encoding.PEM, private.TraditionalOpenSSL, plain).decode()
    locked_pkcs1 = of.key.private_bytes(encoding.PEM, private.TraditionalOpenSSL, locked).decode()
    pfx = pkcs12.serialize_key_and_certificates(b"x", of.key, of.certificate, None, plain)
    triple_des = (
        private.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(PASSWORD.encode())
    )
    old_pfx = pkcs12.serialize_key_and_certificates(b"x", of.key, of.certificate, None, triple_des)
    new_pfx = Path(of.pfx).read_bytes()
    sec1 = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        encoding.PEM, private.TraditionalOpenSSL, plain
    )
    bundle = pkcs7.serialize_certificates([of.certificate], encoding.PEM).decode()
    openssl = "Bag Attributes\n    friendlyName: certified\nKey Attributes: <No Attributes>\n"
    return [
        Row("PEM", pem.encode(), every),
        Row("the certificate before the key", (of.public + of.private).encode(), every),
        Row("PKCS#1", (pkcs1 + of.public).encode(), every),
        Row("SEC1", sec1 + of.public.encode(), set(), azcred=False),
        Row("a byte order mark", b"\xef\xbb\xbf" + pem.encode(), {"azure-identity", "node"}),
        Row("UTF-16", utf16(pem), set(), why=DRESSED),
        Row("UTF-16, big-endian", utf16(pem, order="be"), set(), why=DRESSED),
        Row("UTF-16 without its mark", utf16(pem, mark=""), set(), why=DRESSED),
        Row("CRLF", pem.replace("\n", "\r\n").encode(), every),
        Row("CR", pem.replace("\n", "\r").encode(), python),
        Row("base64 on one line", one_line(pem).encode(), every),
        Row("joined lines", pem.replace("\n", "").encode(), {"azure-identity"}),
        Row("blanks for line ends", pem.replace("\n", " ").encode(), {"azure-identity"}),
        Row("\\n for line ends", pem.replace("\n", "\\n").encode(), set(), why=DRESSED),
        Row("blanks at the ends of lines", pem.replace("\n", "  \n").encode(), python),
        Row("indented lines", ("  " + pem.replace("\n", "\n  ")).encode(), {"azure-identity"}),
        Row("empty lines between", pem.replace("\n", "\n\n").encode(), set(), why=DRESSED),
        Row("quotes", f'"{pem}"'.encode(), python),
        Row("leading text", (openssl + pem).encode(), every),
        Row("text behind", (pem + "the end\n").encode(), every),
        Row("a comment in Latin-1", "caf\xe9\n".encode("latin-1") + pem.encode(), {"node"}),
        Row("a zero byte behind", pem.encode() + b"\0", every),
        Row(
            "TRUSTED CERTIFICATE",
            labelled(pem, "CERTIFICATE", "TRUSTED CERTIFICATE").encode(),
            set(),
            why=DRESSED,
        ),
        Row("X509 CERTIFICATE", labelled(pem, "CERTIFICATE", "X509 CERTIFICATE").encode(), python),
        Row("another certificate behind", (pem + other.public).encode(), every),
        Row("another certificate before", (other.public + pem).encode(), set(), why=DRESSED),
        Row("PKCS#7 with the key", (of.private + bundle).encode(), set(), why=DRESSED),
        Row("DER", of.der, set(), azcred=False),
        Row("the certificate alone", of.public.encode(), set(), azcred=False),
        Row("the key alone", of.private.encode(), set(), azcred=False),
        Row("empty", b"", set(), azcred=False),
        Row("base64 of the PEM", base64.b64encode(pem.encode()), set(), why=DRESSED),
        Row("PFX", pfx, {"azure-identity"}),
        Row("PFX and its password", new_pfx, {"azure-identity"}, password=PASSWORD),
        Row("old PFX and its password", old_pfx, {"azure-identity"}, password=PASSWORD),
        Row("PFX without its password", new_pfx, set(), azcred=False),
        Row("base64 of a PFX", base64.b64encode(pfx), set(), why=DRESSED),
        Row("encrypted", Path(of.locked_pem).read_bytes(), {"azure-identity", "node"}, password=PASSWORD),
        Row(
            "encrypted PKCS#1",
            (locked_pkcs1 + of.public).encode(),
            {"azure-identity", "node"},
            password=PASSWORD,
        ),
        Row("encrypted, no password", Path(of.locked_pem).read_bytes(), set(), azcred=False),
        Row("a password that is not needed", pem.encode(), {"node", "az"}, password=PASSWORD),
    ]


# Azure CLI signs in forty times.
@pytest.mark.heavy
def test_a_certificate_is_read_as_others_read_it(ports, names, apps, tmp_path):
    app = apps.certified
    rows = certificates(apps.certificate, apps.stranger)
    paths = written(tmp_path, rows)

    def jobs(arguments, password="password"):
        return [
            {
                "kind": "certificate",
                "path": path,
                "arguments": arguments | ({password: row.password} if row.password else {}),
            }
            for row, path in zip(rows, paths, strict=True)
        ]

    def azure_identity():
        command = [sys.executable, HERE / "programs" / "text_files.py"]
        return run(command, jobs(app.ids(ports) | ports.identity_options), ports.environment)

    def of_node():
        options = {"disableInstanceDiscovery": True, "authorityHost": ports.login}
        ids = {"tenant": ports.tenant, "client": app.client_id}
        return run(node(), jobs(ids | options), ports.environment)

    def az():
        folder = tmp_path / "az"
        environment = names.environment | {
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
        }
        python = Path(os.environ["AZCRED_AZURE_CLI"]).with_name("python")
        ids = {"tenant": names.tenant, "client": app.client_id}
        # It takes no password.
        return run([python, HERE / "programs" / "text_files_az.py"], jobs(ids), environment)

    def ours():
        base = ports.environment | app.variables(ports)
        each = []
        for row, path in zip(rows, paths, strict=True):
            password = {"AZURE_CLIENT_CERTIFICATE_PASSWORD": row.password} if row.password else {}
            each.append(base | password | {"AZURE_CLIENT_CERTIFICATE_PATH": path})
        return azcred(ports, each)

    programs = {"azure-identity": azure_identity, "az": az, "azcred": ours}
    if node():
        programs["node"] = of_node
    check("a certificate", rows, programs)


# --- root certificates


def bundles(root, other):
    """The forms of a bundle with the emulator's root certificate. `other` is another certificate."""
    every = {"requests", "curl", "openssl", "node"}
    openssl = {"requests", "curl", "openssl"}
    encoding = serialization.Encoding
    pem = root.public_bytes(encoding.PEM).decode()
    der = root.public_bytes(encoding.DER)
    both = other.public + pem
    # Not a certificate; not base64; without an end.
    damaged = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n"
    no_base64 = "-----BEGIN CERTIFICATE-----\nM!!!AQU=\n-----END CERTIFICATE-----\n"
    no_end = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n"
    chain = pkcs7.serialize_certificates([root], encoding.PEM).decode()
    return [
        Row("PEM", both.encode(), every),
        Row("a byte order mark", b"\xef\xbb\xbf" + both.encode(), every),
        Row("UTF-16", utf16(both), set(), why=DRESSED),
        Row("CRLF", both.replace("\n", "\r\n").encode(), every),
        Row("CR", both.replace("\n", "\r").encode(), set(), why=DRESSED),
        Row("base64 on one line", one_line(both).encode(), every),
        Row("joined lines", both.replace("\n", "").encode(), set(), why=DRESSED),
        Row("blanks for line ends", both.replace("\n", " ").encode(), set(), why=DRESSED),
        Row("\\n for line ends", both.replace("\n", "\\n").encode(), set(), why=DRESSED),
        Row("indented lines", ("  " + both.replace("\n", "\n  ")).encode(), set(), why=DRESSED),
        Row("leading text", ("# Contoso's roots\n" + both).encode(), every),
        Row("a comment in Latin-1", "caf\xe9\n".encode("latin-1") + both.encode(), every),
        Row("TRUSTED CERTIFICATE", labelled(pem, "CERTIFICATE", "TRUSTED CERTIFICATE").encode(), openssl),
        Row("X509 CERTIFICATE", labelled(pem, "CERTIFICATE", "X509 CERTIFICATE").encode(), every),
        Row("DER", der, set(), why=DRESSED),
        Row("base64 of the PEM", base64.b64encode(both.encode()), set(), why=DRESSED),
        Row("PKCS#7", chain.encode(), set(), why=DRESSED),
        Row("no certificate before it", (damaged + pem).encode(), set(), why=ONE_LOST),
        Row("no certificate behind it", (pem + damaged).encode(), {"node"}),
        Row("no base64 before it", (no_base64 + pem).encode(), set(), why=ONE_LOST),
        Row("no base64 behind it", (pem + no_base64).encode(), {"node"}),
        Row("no end before it", (no_end + pem).encode(), set(), why=ONE_LOST),
        Row("no end behind it", (pem + no_end).encode(), {"node"}),
        Row("a key besides", (pem + other.private).encode(), every),
        Row("another root only", other.public.encode(), set(), azcred=False),
        Row("empty", b"", set(), azcred=False),
    ]


TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("openssl"), reason="needs curl and openssl")
def test_a_bundle_of_roots_is_read_as_others_read_it(ports, apps, tmp_path):
    environment = {name: value for name, value in ports.environment.items() if name not in TRUST}
    root = x509.load_pem_x509_certificate(Path(ports.emulator.info["ca_certificate"]).read_bytes())
    rows = bundles(root, apps.stranger)
    paths = written(tmp_path, rows)
    address = ports.configuration()
    server = urlsplit(address)

    def of_requests():
        def trusts(path):
            with requests.Session() as session:
                session.trust_env = False
                try:
                    return session.get(address, verify=path, timeout=30).ok
                except (OSError, requests.RequestException):
                    return False

        return [trusts(path) for path in paths]

    def ends_well(*command, **variables):
        done = subprocess.run(
            command, env=environment | variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
        return done.returncode == 0

    def curl():
        command = ("curl", "--silent", "--fail", "--output", os.devnull, address)
        return [ends_well(*command, CURL_CA_BUNDLE=path) for path in paths]

    def openssl():
        command = ("openssl", "s_client", "-connect", server.netloc, "-verify_return_error")
        return [ends_well(*command, "-CAfile", path) for path in paths]

    def of_node():
        script = f"fetch({json.dumps(address)}).then(() => 0, () => process.exit(1))"
        return [ends_well(node()[0], "--eval", script, NODE_EXTRA_CA_CERTS=path) for path in paths]

    def ours(variable):
        base = environment | apps.demo.variables(ports) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
        return azcred(ports, [base | {variable: path} for path in paths])

    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        programs = {
            "requests": of_requests,
            "curl": curl,
            "openssl": openssl,
            "azcred": partial(ours, variable),
        }
        if node():
            programs["node"] = of_node
        check(variable, rows, programs)


# --- federated tokens


def tokens(token):
    """The forms of a file with a federated token."""
    both = {"azure-identity", "node"}
    return [
        Row("a token", token.encode(), both),
        Row("a line end", f"{token}\n".encode(), {"node"}),
        Row("CRLF", f"{token}\r\n".encode(), {"node"}),
        Row("a byte order mark", b"\xef\xbb\xbf" + token.encode(), {"node"}),
        Row("UTF-16", utf16(token), set(), why=DRESSED),
        Row("quotes", f'"{token}"'.encode(), set(), why=DRESSED),
        Row("a blank behind", f"{token} ".encode(), {"node"}),
        Row("an empty line before", f"\n{token}".encode(), {"node"}),
        Row("two lines", f"{token[:60]}\n{token[60:]}\n".encode(), set(), why=DRESSED),
        Row("Bearer", f"Bearer {token}".encode(), set(), why=DRESSED),
        Row("base64", base64.b64encode(token.encode()), set(), why=DRESSED),
        Row("JSON", json.dumps({"value": token}).encode(), set(), azcred=False),
        Row("two tokens", f"{token}\n{token}\n".encode(), set(), azcred=False),
        Row("empty", b"", set(), azcred=False),
        Row("a line end only", b"\n", set(), azcred=False),
    ]


def test_a_federated_token_is_read_as_others_read_it(ports, apps, tmp_path):
    app = apps.federated
    rows = tokens(apps.issuer.token())
    paths = written(tmp_path, rows)

    def jobs(arguments):
        return [{"kind": "token", "path": path, "arguments": arguments} for path in paths]

    def azure_identity():
        command = [sys.executable, HERE / "programs" / "text_files.py"]
        return run(command, jobs(app.ids(ports) | ports.identity_options), ports.environment)

    def of_node():
        options = {"disableInstanceDiscovery": True, "authorityHost": ports.login}
        ids = {"tenant": ports.tenant, "client": app.client_id}
        return run(node(), jobs(ids | options), ports.environment)

    def ours():
        base = ports.environment | app.variables(ports)
        return azcred(ports, [base | {"AZURE_FEDERATED_TOKEN_FILE": path} for path in paths])

    programs = {"azure-identity": azure_identity, "azcred": ours}
    if node():
        programs["node"] = of_node
    check("a token", rows, programs)


# --- config.json


def configs(workspace):
    """The forms of a `config.json` with this subscription, resource group and workspace."""
    other = {"azure-ai-ml"}
    named = dict(zip(("subscription_id", "resource_group", "workspace_name"), workspace, strict=True))
    text = json.dumps(named, indent=4)
    scope = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"
    more = text[:-2] + ',\n    "more": '
    return [
        Row("JSON", text.encode(), other),
        Row("CRLF", text.replace("\n", "\r\n").encode(), other),
        Row("a byte order mark", b"\xef\xbb\xbf" + text.encode(), other),
        Row("UTF-16", utf16(text), set(), why=DRESSED),
        Row("the older form", json.dumps({"Scope": scope.format(*workspace)}).encode(), other),
        Row("more fields", (more + '"ä"}').encode(), other),
        Row("a field twice", (more + '1, "workspace_name": "' + workspace[2] + '"}').encode(), other),
        Row("NaN", (more + "NaN}").encode(), other, azcred=False, why="it is not JSON: only Python reads it"),
        Row("a large number", (more + "1e999}").encode(), other),
        Row("half of a surrogate", (more + '"\\ud800"}').encode(), other),
        Row("a comment", ("// of Contoso\n" + text).encode(), set(), azcred=False),
        Row("a trailing comma", text.replace("\n}", ",\n}").encode(), set(), azcred=False),
        Row("another program's", b'{"model_type": "bert", "layers": 12}', set(), azcred=False),
        Row("empty", b"", set(), azcred=False),
    ]


def test_a_config_is_read_as_azure_ai_ml_reads_it(ports, apps, tmp_path):
    workspace = [ports.subscription, GROUP, WORKSPACE]
    rows = configs(workspace)
    paths = written(tmp_path, rows, "config.json")
    app = apps.demo
    environment = ports.environment | app.variables(ports) | {"AZURE_CLIENT_SECRET": app.secret}
    # As inside a job: they come before files.
    environment = {name: value for name, value in environment.items() if not name.startswith("AZUREML_ARM_")}

    def azure_ai_ml():
        command = [sys.executable, HERE / "programs" / "text_files.py"]
        jobs = [{"kind": "config", "path": path, "arguments": {}} for path in paths]
        return [names == workspace for names in run(command, jobs, bare_environment(tmp_path))]

    def ours():
        def names(path):
            done = subprocess.run(
                [ports.emulator.binary, "workspace", "show", "--output", "json"],
                env=environment,
                cwd=Path(path).parent,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=60,
            )
            assert "panicked" not in done.stderr, done.stderr
            found = json.loads(done.stdout) if done.returncode == 0 else {}
            return [found.get(name) for name in ("subscription", "resourceGroup", "name")]

        return [names(path) == workspace for path in paths]

    check("config.json", rows, {"azure-ai-ml": azure_ai_ml, "azcred": ours})
