"""A server that takes registrations of devices."""

import http.server
import json
import ssl
import threading


class Registry:
    """Over TLS when it is given a file with key and certificate. `seen`: path, media type, body of each."""

    def __init__(self, identity=None, address="127.0.0.1", port=0, status=202):
        registry = self
        self.seen, self.status = [], status

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                registry.seen.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(registry.status)
                self.end_headers()

            def log_message(self, *arguments):  # pylint: disable=arguments-differ
                pass
        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
