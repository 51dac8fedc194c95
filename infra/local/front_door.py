"""The one listener that clients know: here, what CloudFront is on AWS.

Requests go to the HTTP API; those that ask for a WebSocket, on a path that the template sends
there, to the WebSocket API, on the thread that http.server has for their connection anyway.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from infra.local.http_api import HttpApi
from infra.local.http_events import Request, Response, message
from infra.local.websocket_api import WebSocketApi, wants_websocket

BODY_LIMIT = 10 * 1024 * 1024


class FrontDoor(ThreadingHTTPServer):
    """Listens from the start, so that its URL is known.

    Attributes:
        websocket_paths: where clients connect to; known once the template is deployed.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, http_api: HttpApi, websocket_api: WebSocketApi) -> None:
        """Bind the port on 127.0.0.1; 0 for any that is free."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.http_api = http_api
        self.websocket_api = websocket_api
        self.websocket_paths: set[str] = set()
        threading.Thread(
            target=self.serve_forever, args=(0.05,), daemon=True, name="front-door"
        ).start()

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def without_tls(self, url: str) -> str:
        """A URL that the template makes of our host name as it is here, where nothing ends TLS."""
        return url.replace(self.url.replace("http", "https", 1), self.url)

    def stop(self) -> None:
        """Give the port back."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: FrontDoor

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._write(message(411, "Length Required"))
        elif int(length) > BODY_LIMIT:
            self.close_connection = True  # the rest of the body is not read
            self._write(message(413, "Request Entity Too Large"))
        elif not (self.path.startswith("/") and self.path.isascii()):
            self.close_connection = True
            self._write(message(400, "Bad Request"))
        else:
            self._pass_on(self._request(self.rfile.read(int(length))))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _request(self, body: bytes) -> Request:
        return Request(
            self.command,
            self.path,
            self.request_version,
            self.headers.items(),
            body,
            str(self.client_address[0]),
        )

    def _pass_on(self, request: Request) -> None:
        if request.path in self.server.websocket_paths and wants_websocket(request):
            self.close_connection = True
            self.server.websocket_api.run(request, self.connection)
        else:
            self._write(self.server.http_api.answer(request))

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the function's log tells of its requests."""
