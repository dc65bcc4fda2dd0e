"""The end of the server and of its connections."""

import http.client
from urllib.parse import urlsplit

from tests.sandbox.conftest import Start


def test_no_connection_outlives_the_sandbox(start: Start) -> None:
    sandbox = start()
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)
    connection.request("GET", "/_sandbox/unknown")
    with connection.getresponse() as answer:
        answer.read()
    sandbox.stop()
    assert connection.sock.recv(1) == b""
    connection.close()
