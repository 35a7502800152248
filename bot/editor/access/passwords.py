"""Passwords and one-time codes: Argon2id (RFC 9106) and TOTP (RFC 6238)."""

import functools
import hmac
import secrets
import threading
import time

import argon2
import pyotp

from bot.editor.access import guessable

SHORTEST, LONGEST = 12, 200
STEP_SECONDS = 30
_hasher = argon2.PasswordHasher()
# a hash takes 64 MB and a core: more at once would starve the visitors
_room = threading.BoundedSemaphore(2)


def password_fault(password: str, name: str) -> str | None:
    """What is wrong with a new password, as a sentence; None when all is well."""
    if len(password) < SHORTEST:
        return f"The password is too short: write at least {SHORTEST} characters, best four or five words."  # noqa: E501
    if len(password) > LONGEST:
        return f"The password is too long: {LONGEST} characters at most."
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        return "The password is too easy to guess: it holds your name, or few different characters."
    if guessable.is_guessable(password):
        return (
            "The password is too easy to guess: many people have one like it, with other digits. "
            "Four or five words that have nothing to do with each other are better."
        )
    return None


def hash_password(password: str) -> str:
    """The Argon2id hash of a password."""
    with _room:
        return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of this hash; takes as long where there is none (None)."""
    with _room:
        try:
            return (
                _hasher.verify(password_hash or _nobodys(), password[: LONGEST + 1])
                and password_hash is not None
            )
        except argon2.exceptions.VerificationError:
            return False


def new_secret() -> str:
    """A new secret for one-time codes, for an authenticator app."""
    return pyotp.random_base32()


def code_step(secret: str, code: str) -> int | None:
    """The 30 s step of which `code` is the one-time code, now or one step off; None for a wrong
    one."""
    totp, now = pyotp.TOTP(secret, interval=STEP_SECONDS), int(time.time()) // STEP_SECONDS
    right = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return right[-1] if right else None


def app_link(secret: str, name: str) -> str:
    """The otpauth: link by which an authenticator app on the same device takes the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Pamphlet")


@functools.cache
def _nobodys() -> str:
    """A hash that nobody's password has, to compare with where an account has none."""
    return _hasher.hash(secrets.token_urlsafe(32))
