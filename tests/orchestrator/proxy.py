"""A device between the orchestrator and a supervisor that answers wrongly, late, or never, as a test wants."""

import http.client
import http.server
import re
import socketserver
import threading
import time


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass # a client that went away


class Proxy:
    """Passes on to a Device's plain HTTP. A rule is tried for each request: (method, path) -> None, or an action:
    "404", "500" (these statuses), "garbage" (no HTTP), "never" (no answer for 60 s), "late" (after 3 s),
    "after" (carried out, and the answer withheld), (status, media type, body), or a function of the request that
    returns one of these."""

    def __init__(self, device):
        self.device, self.rules, self.seen, self.lock = device, [], [], threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                action = proxy.action(self.command, self.path)
                if action == "garbage":
                    self.wfile.write(b"\x00\xff this is no HTTP\r\n\r\n")
                    self.close_connection = True
                elif action == "never":
                    proxy.stopped.wait(60)
                    self.close_connection = True
                elif isinstance(action, tuple):
                    self.answer(action[0], [("Content-Type", action[1])], action[2])
                elif action in ("404", "500"):
                    self.answer(int(action), [("Content-Type", "text/plain")], b"broken on purpose")
                else:
                    if action == "late":
                        time.sleep(3)
                    self.pass_on(body, action == "after")

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def pass_on(self, body, withheld):
                connection = http.client.HTTPConnection("127.0.0.1", proxy.device.ports["http"], timeout=60)
                try:
                    fields = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                    connection.request(self.command, self.path, body, fields)
                    answer = connection.getresponse()
                    data = answer.read()
                except (OSError, http.client.HTTPException):
                    self.close_connection = True # as if the device were not there
                    return
                finally:
                    connection.close()
                if withheld:
                    self.close_connection = True
                    return
                headers = [(name, value) for name, value in answer.getheaders()
                           if name.lower() not in ("content-length", "connection", "transfer-encoding")]
                if answer.status == 204:
                    self.send_response(204)
                    self.end_headers()
                else:
                    self.answer(answer.status, headers, data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

        self.stopped = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def action(self, method, path):
        with self.lock:
            self.seen.append((method, path))
            for index, (pattern, action, times) in enumerate(self.rules):
                if re.search(pattern, method + " " + path):
                    if times == 1:
                        del self.rules[index]
                    elif times:
                        self.rules[index] = (pattern, action, times - 1)
                    break
            else:
                return None
        return action(method, path) if callable(action) else action

    def rule(self, pattern, action, times=0):
        """pattern: of "METHOD PATH"; times 0: for ever. Heartbeats go on unless the pattern says otherwise."""
        with self.lock:
            self.rules.append((pattern, action, times))

    def clear(self):
        with self.lock:
            self.rules.clear()
