"""Mail by the server that the settings name. Each of its steps has PATIENCE seconds, and what goes
wrong is one MailFault that holds neither the password nor a text."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from urllib.parse import urlsplit

from bot.runtime.settings import Settings

PATIENCE = 15.0  # seconds
SILENT = f"it ended the connection, or gave no answer within {PATIENCE:.0f} s"
IS_TLS_RIGHT = "is SMTP_TLS right? (tls, where the port is 465)"
# {kind of error: what it means, and what to do}; the first that fits
EXPLAINED: dict[type[Exception], str] = {
    smtplib.SMTPAuthenticationError: "it refused SMTP_USER with SMTP_PASSWORD; mend them",
    smtplib.SMTPSenderRefused: "it takes no mail from SMTP_FROM",
    smtplib.SMTPResponseException: "it refused",
    smtplib.SMTPNotSupportedError: f"it offers no TLS, or no sign-in; {IS_TLS_RIGHT}",
    ssl.SSLCertVerificationError: "its certificate can't be trusted",
    ssl.SSLError: f"TLS did not come about; {IS_TLS_RIGHT}",
    socket.gaierror: "nobody knows this name; mend SMTP_HOST",
    UnicodeError: "nobody knows this name; mend SMTP_HOST",
    TimeoutError: SILENT,
    smtplib.SMTPServerDisconnected: SILENT,
}


class MailFault(RuntimeError):
    """The mail server could not be used; the message says why, and what to do."""


class Refused(RuntimeError):
    """The mail server does not take a mail to this one person; the message says why."""


@contextlib.contextmanager
def open_server(config: Settings) -> Iterator[smtplib.SMTP]:
    """The mail server, which has let us in and takes mails from SMTP_FROM; raises MailFault, also
    where it fails while it is used."""
    try:
        with _connect(config) as server:
            if config.smtp_tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if config.smtp_user:
                server.login(config.smtp_user, config.smtp_password)
            yield server
    except (OSError, UnicodeError) as error:  # smtplib's own are OSErrors
        raise MailFault(f"{name_server(config)}: {_explain(error)}") from error


def check_sender(config: Settings, server: smtplib.SMTP) -> None:
    """Nothing, where the server takes mails from SMTP_FROM; else raises MailFault."""
    server.ehlo_or_helo_if_needed()
    code, _ = server.mail(config.smtp_from)
    if code != 250:
        raise MailFault(f"{name_server(config)}: it takes no mail from SMTP_FROM ({code})")
    server.rset()


def send_mail(server: smtplib.SMTP, mail: EmailMessage, to: str) -> None:
    """Give the server a mail to one address; raises Refused where it takes none there, and what
    `open_server` makes a MailFault of."""
    try:
        server.send_message(mail, to_addrs=[to])
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = next(iter(error.recipients.values()))
        raise Refused(f"its address is refused ({code})") from error
    except smtplib.SMTPDataError as error:
        raise Refused(f"the mail is refused ({error.smtp_code})") from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused("the mail server can't write to such an address") from error


def name_server(config: Settings) -> str:
    """The mail server as logs name it."""
    return f"the mail server {config.smtp_host}:{config.smtp_port}"


def _connect(config: Settings) -> smtplib.SMTP:
    # by its own name the machine would have to be looked up, for which there is no limit of time
    own = urlsplit(config.public_url).hostname
    if config.smtp_tls == "tls":
        return smtplib.SMTP_SSL(
            config.smtp_host,
            config.smtp_port,
            local_hostname=own,
            timeout=PATIENCE,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(config.smtp_host, config.smtp_port, local_hostname=own, timeout=PATIENCE)


def _explain(error: OSError | UnicodeError) -> str:
    """What went wrong with a mail server, and what to do."""
    otherwise = getattr(error, "strerror", None) or type(error).__name__
    said = next((each for kind, each in EXPLAINED.items() if isinstance(error, kind)), otherwise)
    more = getattr(error, "smtp_code", None) or getattr(error, "verify_message", None)
    return f"{said} ({more})" if more else f"{said}"
