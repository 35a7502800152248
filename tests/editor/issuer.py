"""A stand-in OpenID Connect issuer on the loopback: it signs in whoever comes as the person it is
told, by code with PKCE."""

import base64
import contextlib
import functools
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "the desk", "s:cret/1"


@functools.cache
def make_key(name):
    """The key pair of this name: made once."""
    return RSAKey.generate_key(2048, {"kid": name})


@dataclass
class Issuer:
    """`claims` go into the next ID tokens, over what is right; `header`, `sign(header, claims)` and
    `published` do as an attacker or another issuer would. `calls` are the fields of the calls for a
    token."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: make_key("one"))
    claims: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)
    published: dict = field(default_factory=dict)
    sign: object = None
    codes: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)

    def discovery(self):
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.published,
        }

    def authorize(self, asked):
        """The address that the browser is sent back to."""
        assert (
            asked["response_type"] == "code"
            and asked["client_id"] == CLIENT
            and "openid" in asked["scope"].split()
        )
        assert (
            asked["code_challenge_method"] == "S256"
            and len(asked["state"]) > 20
            and len(asked["nonce"]) > 20
        )
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"  # noqa: E501

    def redeem(self, fields, authorization):
        """(status, answer) to a code, which is taken once."""
        self.calls.append(fields)
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        asked = self.codes.pop(fields["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(fields["code_verifier"].encode()).digest())
            .decode()
            .rstrip("=")
        )
        if list(map(unquote, given)) != [CLIENT, SECRET]:
            return 401, {"error": "invalid_client"}
        if (
            not asked
            or asked["redirect_uri"] != fields["redirect_uri"]
            or asked["code_challenge"] != challenge
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "24400320",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "ada@example.org",
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        token = self.sign(header, claims) if self.sign else jwt.encode(header, claims, self.key)
        return 200, {"access_token": "of no use", "token_type": "Bearer", "id_token": token}


@contextlib.contextmanager
def running():
    """An Issuer that is served while the block runs."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            if path == "/authorize":
                self.send_response(302)
                self.send_header(
                    "Location",
                    issuer.authorize({name: values[0] for name, values in parse_qs(query).items()}),
                )
                self.end_headers()
            else:
                self._give(
                    200,
                    issuer.discovery()
                    if path.endswith("openid-configuration")
                    else {"keys": [issuer.key.as_dict(private=False)]},
                )

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._give(
                *issuer.redeem(
                    {name: values[0] for name, values in parse_qs(body).items()},
                    self.headers["Authorization"],
                )
            )

        def _give(self, status, answer):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
