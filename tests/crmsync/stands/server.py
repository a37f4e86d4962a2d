"""A WSGI app on a port of its own, in a thread of this process."""

import json
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request."""

    daemon_threads = True
    request_queue_size = 128


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *args):
        pass


def serve(app):
    """Start it; returns the server (``shutdown`` ends it) and its address."""
    server = make_server("127.0.0.1", 0, app, server_class=Server, handler_class=Quiet)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def body_of(environ):
    """The request's body."""
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def answer(start_response, status, told, headers=()):
    """JSON, or nothing for None."""
    raw = b"" if told is None else json.dumps(told).encode()
    names = [("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", str(len(raw))), *headers]
    start_response(f"{status} X", names)
    return [raw]
