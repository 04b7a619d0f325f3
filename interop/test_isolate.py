"""Programs that use no proxy and have addresses built in, in `azcred emulator exec --isolate`."""

import json
import shutil
import sys

import pytest

from emulator import bare_environment

# Python's own client knows no proxies. 1.1.1.1 and pypi.org are public.
DIRECT = """
import http.client, json, socket

def get(client, path, **headers):
    client.request("GET", path, headers=headers)
    answer = client.getresponse()
    return [answer.status, json.loads(answer.read())]

def reached(host):
    try:
        socket.create_connection((host, 443), timeout=5).close()
    except OSError as error:
        return type(error).__name__
    return "reached"

token = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/"
status, body = get(http.client.HTTPConnection("169.254.169.254"), token, Metadata="true")
bearer = {"Authorization": "Bearer " + body["access_token"]}
subscriptions = "/subscriptions?api-version=2022-12-01"
print(json.dumps({
    "metadata": status,
    "sign-in": get(http.client.HTTPSConnection("login.microsoftonline.com"), "/common/discovery/keys")[0],
    "arm": get(http.client.HTTPSConnection("management.azure.com"), subscriptions, **bearer)[0],
    "public": [reached("1.1.1.1"), reached("pypi.org")],
}))
"""

CURL = """
curl --noproxy '*' --silent --show-error --output /dev/null --output /dev/null --write-out '%{http_code} ' \
  https://login.microsoftonline.com/common/discovery/keys https://northeurope.login.microsoft.com/common/discovery/keys
# With the system's own bundle of certificates, and no variable at all.
env -i "$(command -v curl)" --silent --show-error --output /dev/null --write-out '%{http_code} ' https://graph.microsoft.com/v1.0/
curl --noproxy '*' --silent --max-time 5 https://1.1.1.1 || echo "nowhere"
"""


@pytest.fixture(scope="module")
def isolate(emulator, tmp_path_factory):
    """Runs a program in a network of its own, as a virtual machine."""
    home = bare_environment(tmp_path_factory.mktemp("isolate"))

    def run(*command):
        exec_ = ("emulator", "exec", "--isolate", "--as", "vm", "--")
        return emulator.azcred(*exec_, *command, env=home)

    tried = run("true")
    if tried.returncode != 0:
        assert "`--isolate` does not work here" in tried.stderr, tried.stderr
        pytest.skip(f"this system permits a program no network of its own: {tried.stderr}")
    return run


def test_python_without_a_proxy_reaches_the_emulator_and_nothing_else(isolate):
    done = isolate(sys.executable, "-c", DIRECT)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == {"metadata": 200, "sign-in": 200, "arm": 200, "public": ["OSError", "gaierror"]}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_without_a_proxy_reaches_the_emulator_and_nothing_else(isolate):
    done = isolate("sh", "-c", CURL)
    assert done.returncode == 0, done.stderr
    # Graph rejects a request without a token.
    assert done.stdout.split() == ["200", "200", "401", "nowhere"], done.stdout + done.stderr
