"""A real HTTP server whose answers a test decides, down to the bytes on the wire."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Exchange(BaseHTTPRequestHandler):
    """One request; ``body`` holds what came with it."""

    protocol_version = "HTTP/1.1"

    def handle_request(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.exchanges.append(self)
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.server.answer(self)

    do_GET = do_POST = handle_request

    def log_message(self, *arguments):
        pass

    def reply(self, status=200, body=b"", **headers):
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        self.send_response(status)
        usual = {"Content_Length": str(len(body)), "Content_Type": "application/json"}
        for name, value in {**usual, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def drip(self, data, pause):
        """Send byte by byte, until the client has gone or the test is over."""
        for byte in data:
            self.send_raw(bytes([byte]))
            if self.server.stopping.wait(pause):
                return

    def hang(self):
        self.server.stopping.wait(20)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The file objects hold the socket open otherwise.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer, certificate=None):
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer
        self.exchanges = []
        self.stopping = threading.Event()
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """Clients that go away are what the tests are about."""

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def stop(self):
        self.stopping.set()
        self.shutdown()
        self.server_close()
