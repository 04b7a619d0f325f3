"""What a client sees of a Blob Storage: each request and its response, without what changes from run to run."""

import base64
import functools
import hashlib
import re
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.paging import ItemPaged
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.storage.blob import BlobServiceClient

# Headers of the connection and of the server's program.
IGNORED = {"server", "date", "connection", "keep-alive", "transfer-encoding", "x-ms-request-id", "vary"}
# What differs in each run, and what is written for it.
MASKS = (
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "<date>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<guid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ"), "<time>"),
    # The ids that the SDK makes for the blocks of an upload, and in a block list.
    (re.compile(r"0{8}\d{40}"), "<block>"),
    (re.compile(r"MDAwMDAw[A-Za-z0-9]{56}"), "<block>"),
    (re.compile(r"(?<=sig=)[^&]+"), "<signature>"),
)
ETAG = re.compile(r"0x[0-9A-F]{10,20}")
# The lines of a message in which Azure says what its support needs.
SUPPORT = re.compile(r"\nRequestId:.*\nTime:.*$", re.S)


@dataclass
class Server:
    """A Blob Storage with an account, its key, a token of an application that may do everything
    there, and the same application's token of another audience."""

    name: str
    url: str
    account: str
    key: str
    token: str
    other_token: str
    # Of the connection, as azure-core takes them.
    options: dict = field(default_factory=dict)

    @functools.cached_property
    def transport(self):
        """One for all cases, so that its connections are used again."""
        return Recorder(**self.options)


def hash_of(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


@dataclass
class Call:
    """What is seen of one call."""

    answers: list = field(default_factory=list)
    result: str = ""
    ended: bool = False


class Token:
    """A credential with a token."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *_, **__):
        return AccessToken(self.token, 2**32)


class Session:
    """A case on one server: its clients, and what they saw."""

    def __init__(self, server, container):
        self.server, self.name = server, container
        # Of each call, the requests with their answers, and what the SDK made of it.
        self.calls, self._etags = [], {}
        server.transport.record = self.record
        self.service = self.service_as(server.key)

    def close(self):
        """Removes what the case has made."""
        try:
            self.service.delete_container(self.name)
        except AzureError:
            pass

    # --- clients

    def service_as(self, credential, **options):
        """The account, with a key, a SAS, `Token` or nothing."""
        if credential == self.server.key:
            credential = {"account_name": self.server.account, "account_key": credential}
        return BlobServiceClient(
            options.pop("url", self.server.url),
            credential,
            transport=self.server.transport,
            retry_total=0,
            **options,
        )

    @property
    def container(self):
        """The case's container. It may not exist."""
        return self.service.get_container_client(self.name)

    @property
    def resource_path(self):
        """What comes before the container in a path."""
        return urlsplit(self.server.url).path

    def make(self):
        """Makes the case's container."""
        self.container.create_container()
        return self.container

    def container_as(self, credential, **options):
        return self.service_as(credential, **options).get_container_client(self.name)

    # --- what is seen

    def do(self, call, *arguments, **options):
        """Calls the SDK, and records the requests and what it returns or raises. Returns it too."""
        self.calls.append(Call())
        try:
            result = call(*arguments, **options)
            if isinstance(result, ItemPaged):
                result = [item if isinstance(item, str) else item.name for item in result]
            elif hasattr(result, "readall"):
                result = result.readall()
        except (AzureError, ValueError) as error:
            code = getattr(error, "error_code", None)
            self.calls[-1].result = f"{type(error).__name__} {getattr(code, 'value', code)}"
            return None
        finally:
            self.calls[-1].ended = True
        if isinstance(result, (str, bytes, bool, list, tuple, type(None))):
            self.calls[-1].result = self._masked(repr(result))
        return result

    def get(self, url, **options):
        return self._send("GET", url, **options)

    def put(self, url, content, **options):
        return self._send("PUT", url, content=content, **options)

    def _send(self, method, url, **options):
        """A request that the SDK has no call for, by the SDK's pipeline."""
        headers = {"x-ms-version": self.service.api_version} | options.pop("headers", {})
        pipeline = self.service._pipeline
        return pipeline.run(HttpRequest(method, url, headers=headers, **options)).http_response.status_code

    def unsigned(self, method, url, headers):
        """A request with no credential but the given."""
        client = PipelineClient(self.server.url, policies=[], transport=self.server.transport)
        return client.send_request(HttpRequest(method, url, headers=headers)).status_code

    def record(self, request, response):
        """Called by the transport."""
        if not self.calls or self.calls[-1].ended:
            return  # what a case prepares
        path = request.url.removeprefix(self.server.url)
        sent = request.headers.get("x-ms-client-request-id")
        headers = {}
        for name, value in response.headers.items():
            name = name.lower()
            if name not in IGNORED:
                headers[name] = "<as sent>" if value == sent else self._masked(value)
        body = request.data.encode() if isinstance(request.data, str) else request.data
        if isinstance(body, bytes) and headers.get("content-md5") == hash_of(body):
            headers["content-md5"] = "<of the request>"
        version = request.headers.get("x-ms-version")
        if version and headers.get("x-ms-version") == version:
            headers["x-ms-version"] = "<as sent>"
        if response.status_code >= 300:
            headers.pop("content-length", None)
        seen = {"status": response.status_code, "reason": response.reason, "headers": headers}
        kind = response.headers.get("Content-Type", "")
        # A download is read by its caller.
        if kind.startswith("application/xml") and not (
            response.status_code in (200, 206) and "comp" not in path
        ):
            seen["body"] = self._document(response.internal_response.content)
            # Its length depends on the masked.
            headers.pop("content-length", None)
        self.calls[-1].answers.append((f"{request.method} {self._masked(path)}", seen))

    def _document(self, content):
        text = content.decode("utf-8-sig")
        return self._element(xml.fromstring(text)) if text else None

    def _element(self, element):
        children = sorted(element, key=lambda child: child.tag)
        if not children and element.tag == "Value":
            return f"<{len(base64.b64decode(element.text))} bytes>"  # of a key
        if not children:
            return self._masked(SUPPORT.sub("", element.text or ""))
        found = {}
        for child in children:
            tag = child.tag + "".join(f" {name}={value}" for name, value in sorted(child.attrib.items()))
            number = sum(key.partition("#")[0] == tag for key in found)
            found[f"{tag}#{number}" if number else tag] = self._element(child)
        return found

    def _masked(self, text):
        text = text.replace(self.server.url, "<url>").replace(self.name, "<container>")
        text = text.replace(self.server.account, "<account>")
        for pattern, instead in MASKS:
            text = pattern.sub(instead, text)
        # By the call in which it was first seen.
        return ETAG.sub(lambda found: f"<etag of {self._etags.setdefault(found[0], len(self.calls))}>", text)


class Recorder(RequestsTransport):
    """A transport that tells the present session what it saw."""

    def __init__(self, proxies=None, **options):
        super().__init__(use_env_settings=False, **options)
        self.proxies, self.record = proxies, None

    def send(self, request, **options):
        response = super().send(request, **options | {"proxies": self.proxies})
        self.record(request, response)
        return response


def flat(value, path=""):
    """A tree as a table: the path of each leaf, and the leaf."""
    if not isinstance(value, dict):
        return {path: value}
    return {
        deeper: leaf for key, item in value.items() for deeper, leaf in flat(item, f"{path}/{key}").items()
    }
