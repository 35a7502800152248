"""A mail server of its own, for as long as a `with` lasts: SMTP with STARTTLS, TLS and AUTH PLAIN,
which keeps what it is given. It can refuse, and it can say nothing."""

import base64
import contextlib
import datetime
import email
import email.policy
import ipaddress
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Mail:
    """A mail as it came: envelope, message, whether by TLS, and who had signed in."""

    sender: str
    to: list
    message: email.message.EmailMessage
    by_tls: bool
    user: str


@dataclass
class MailServer:
    """`user` and `password`: whom it lets in, nobody else where set; `refused`: addresses from and
    to which it takes nothing; `silent`: it takes connections and says nothing."""

    port: int = 0
    tls: str = "starttls"  # as SMTP_TLS
    user: str = ""
    password: str = ""
    refused: set = field(default_factory=set)
    silent: bool = False
    mails: list = field(default_factory=list)
    connections: int = 0
    context: ssl.SSLContext | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Session(socketserver.StreamRequestHandler):
    """One connection, a line of the client's at a time."""

    def handle(self):
        server = self.server.mail_server
        server.connections += 1
        self.by_tls, self.user, self.sender, self.to = False, "", "", []
        if server.silent:
            server.over.wait()
            return
        # who does not trust the certificate is gone
        with contextlib.suppress(OSError), contextlib.ExitStack() as self.open:
            if server.tls == "tls":
                self.close_way()
            self.say("220 ready")
            while line := self.rfile.readline():
                verb, _, rest = line.decode(errors="replace").strip().partition(" ")
                answer = getattr(self, f"do_{verb.lower()}", self.do_unknown)(rest)
                self.say(answer)
                if answer.startswith("221"):
                    return
                if verb.upper() == "STARTTLS":
                    self.close_way()

    def say(self, text):
        self.wfile.write(text.replace("\n", "\r\n").encode() + b"\r\n")

    def close_way(self):
        """Go on by TLS."""
        context = self.server.mail_server.context
        way = self.open.enter_context(context.wrap_socket(self.request, server_side=True))
        self.by_tls = True
        self.rfile = self.open.enter_context(way.makefile("rb"))
        self.wfile = self.open.enter_context(way.makefile("wb", 0))

    def do_ehlo(self, rest):
        server = self.server.mail_server
        offered = ["250-here"]
        if server.tls == "starttls" and not self.by_tls:
            offered.append("250-STARTTLS")
        if server.user and self.by_tls:
            offered.append("250-AUTH PLAIN")
        return "\n".join([*offered, "250 8BITMIME"])

    def do_starttls(self, rest):
        return "220 go on"

    def do_auth(self, rest):
        server = self.server.mail_server
        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
        if (user, password) != (server.user, server.password):
            return "535 wrong"
        self.user = user
        return "235 welcome"

    def do_mail(self, rest):
        server = self.server.mail_server
        self.sender, self.to = rest.partition("<")[2].partition(">")[0], []
        if server.user and not self.user:
            return "530 sign in first"
        return "553 not from there" if self.sender in server.refused else "250 well"

    def do_rcpt(self, rest):
        to = rest.partition("<")[2].partition(">")[0]
        if to in self.server.mail_server.refused:
            return "550 nobody here"
        self.to.append(to)
        return "250 well"

    def do_data(self, rest):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        mail = Mail(self.sender, self.to, message, self.by_tls, self.user)
        self.server.mail_server.mails.append(mail)
        return "250 taken"

    def do_rset(self, rest):
        return "250 well"

    def do_quit(self, rest):
        return "221 bye"

    def do_unknown(self, rest):
        return "502 not known"


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


@contextlib.contextmanager
def running(certificate=None, port=0, **how):
    """A MailServer, at a free port where none is given; `certificate`: the file that
    `make_certificate` gave, `how`: its fields."""
    made = MailServer(**how)
    if certificate:
        made.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.context.load_cert_chain(certificate)
    with Listener(("127.0.0.1", port), Session) as listener:
        listener.mail_server, made.port = made, listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            made.over.set()
            listener.shutdown()
            thread.join()


def make_certificate(folder):
    """A file with the key and the certificate of a server on 127.0.0.1, which is trusted by whoever
    is given it as SSL_CERT_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a mail server of the tests")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = Path(folder) / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
