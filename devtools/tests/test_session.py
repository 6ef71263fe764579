import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devtools.lab.session import NoAnswerError, NotSentError, RpcError, Session

ANSWERS = {
    "add": {"result": 3},
    "refuse": {"error": {"message": "Odoo Server Error", "data": {"message": "Pick a flow."}}},
    "crash": {"error": {"message": "Odoo Server Error", "data": {"name": "KeyError"}}},
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/web/session/authenticate":
            return self.answer(json.dumps({"result": body["params"]}), "session_id=secret; Path=/")
        method = self.path.rpartition("/")[2]
        return self.answer(json.dumps(ANSWERS[method]) if method in ANSWERS else "<html>")

    def do_GET(self):
        if self.path == "/away":
            self.send_response(303)
            self.send_header("Location", "/web/login")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/broken":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"RIFF")
        else:
            self.answer(self.headers.get("Cookie") or "no cookie")

    def answer(self, text, cookie=None):
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def client():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Session(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_a_result(client):
    assert client.call("crm.lead", "add", 1, 2) == 3


@pytest.mark.parametrize(("method", "text"), [("refuse", "Pick a flow."), ("crash", "KeyError")])
def test_an_error_is_odoos_own_sentence(client, method, text):
    with pytest.raises(RpcError, match=f"Odoo refused: {text}"):
        client.call("crm.lead", method)


def test_an_answer_that_is_no_json(client):
    with pytest.raises(NoAnswerError, match="Odoo did not answer"):
        client.call("crm.lead", "other")


def test_the_session_is_kept(client):
    assert client.get("/page").body == b"no cookie"
    assert client.login("database", "asha", "asha") is client
    assert client.cookie == "session_id=secret"
    assert client.get("/page").body == b"session_id=secret"


def test_a_redirect_is_an_answer(client):
    assert client.get("/away").status == 303


def test_an_error_page_is_an_answer(client):
    answer = client.get("/missing")
    assert (answer.status, answer.media_type) == (404, "text/plain")


def test_a_part_of_an_answer_is_none(client):
    with pytest.raises(NoAnswerError, match="Odoo did not answer /broken"):
        client.get("/broken")


def test_nobody_answers():
    with pytest.raises(NotSentError, match="Odoo did not answer"):
        Session("http://127.0.0.1:9").call("crm.lead", "add")
