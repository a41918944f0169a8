"""Small real servers that stand for where messages go: a webhook, Slack, Teams and a mail server. What each took is in `taken`."""

import base64
import hashlib
import hmac
import json
import socketserver
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address

from tests.monitoring.receivers import Receiver, want


class Webhook(Receiver):
    """Checks signatures as the Standard Webhooks specification has it, without our own code. Give it a `secret`."""

    secret = None

    def take(self, path, headers, body):
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        want(expected in headers["webhook-signature"].split(" "), 401, "signature")
        self.taken.append((headers["webhook-id"], json.loads(body)))
        return 202, {"ok": True}


class Slack(Receiver):
    """An incoming webhook, as far as Slack's documentation says what it refuses."""

    def take(self, path, headers, body):
        want(headers["Content-Type"] == "application/json", 400, "invalid_payload")
        document = json.loads(body)
        want(set(document) <= {"text", "blocks"} and document["text"], 400, "no_text")
        want(len(document["blocks"]) <= 50, 400, "invalid_blocks")
        for block in document["blocks"]:
            self._check(block)
        self.taken.append(document)
        return 200, "ok"

    def _check(self, block):
        if block["type"] == "header":
            want(block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150, 400, "invalid_blocks")
        elif block["type"] == "section":
            want(0 < len(block["text"]["text"]) <= 3000, 400, "invalid_blocks")
        elif block["type"] == "context":
            want(1 <= len(block["elements"]) <= 10, 400, "invalid_blocks")
        elif block["type"] == "actions":
            (button,) = block["elements"]
            want(button["url"].startswith("http") and len(button["url"]) <= 3000, 400, "invalid_blocks")
        else:
            want(False, 400, "invalid_blocks")


class Teams(Receiver):
    """The Workflows trigger "When a Teams webhook request is received": it takes a message of one Adaptive Card, with 202."""

    def take(self, path, headers, body):
        want(len(body) <= 28 * 1024, 413, "RequestEntityTooLarge")
        document = json.loads(body)
        want(document["type"] == "message", 400, "TriggerInputSchemaMismatch")
        (attachment,) = document["attachments"]
        want(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", 400, "BadRequest")
        card = attachment["content"]
        want(card["type"] == "AdaptiveCard" and card["version"] == "1.2", 400, "BadRequest")
        want({element["type"] for element in card["body"]} <= {"RichTextBlock"}, 400, "BadRequest")
        want(all(action["url"].startswith("http") for action in card.get("actions", [])), 400, "BadRequest")
        self.taken.append(card)
        return 202, None


class MailServer:
    """Speaks as much SMTP as a mail server must (RFC 5321), with STARTTLS and AUTH PLAIN where it is given a certificate.

    `refusals` are answers by command, as `{"DATA": "452 full"}`; `taken` holds (recipients, message).
    """

    user, password = "lineal", "p@ss:w%rd/"

    def __init__(self, *, certificate=None, tls_from_the_start=False):
        self.refusals, self.unknown, self.taken, self.signed_in = {}, set(), [], []
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.tls_from_the_start = tls_from_the_start
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation)
        self._server.mail, self._server.daemon_threads = self, True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._server.server_address[1]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self):
        self.mail, self.recipients, self.secure = self.server.mail, [], False
        self.file = self.request.makefile("rb")
        if self.mail.tls_from_the_start:
            self.turn_to_tls()
        self.say("220 here")
        while (line := self.file.readline()) and self.answer(line.decode().strip()):
            pass
        self.file.close()
        self.request.close()

    def turn_to_tls(self):
        self.file.close()
        self.request = self.mail.tls.wrap_socket(self.request, server_side=True)
        self.file, self.secure = self.request.makefile("rb"), True

    def say(self, words):
        self.request.sendall(f"{words}\r\n".encode())

    def answer(self, line):
        """False once the conversation is over."""
        verb = line.upper().split(" ")[0]
        if verb in self.mail.refusals:
            self.say(self.mail.refusals[verb])
            return True
        getattr(self, f"do_{verb.lower()}", lambda _: self.say("250 ok"))(line)
        return verb != "QUIT"

    def do_ehlo(self, line):
        offers = ["here"] + ["STARTTLS"] * (self.mail.tls is not None and not self.secure) + ["AUTH PLAIN"]
        self.say("\r\n".join([f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]))

    def do_starttls(self, line):
        self.say("220 go")
        self.turn_to_tls()

    def do_auth(self, line):
        given = base64.b64decode(line.split(" ")[2]).decode()
        is_known = self.secure and given == f"\0{self.mail.user}\0{self.mail.password}"
        self.mail.signed_in.append(is_known)
        self.say("235 in" if is_known else "535 no")

    def do_rcpt(self, line):
        address = line.partition("<")[2].rstrip(">")
        if address in self.mail.unknown:
            self.say("550 no such user")
        else:
            self.recipients.append(address)
            self.say("250 ok")

    def do_data(self, line):
        self.say("354 go on")
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.mail.taken.append((self.recipients, message_from_bytes(b"".join(lines), policy=policy.default)))
        self.say("250 taken")

    def do_quit(self, line):
        self.say("221 bye")


def make_certificate(path):
    """A certificate of 127.0.0.1 that signs itself, with its key, for a client that is told to trust it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail for tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem))
    return path
