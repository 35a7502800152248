"""Reminders to those who may sign answers of what awaits a signature: by mail, where a mail server
is set, else in the log. Each gets one a week at most, and none while nothing awaits."""

import datetime
import logging
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from sqlalchemy import Engine

from bot.content import articles, sign_offs, wording
from bot.operations import mail
from bot.runtime import settings
from bot.runtime.settings import Settings
from bot.store import reminders
from bot.store.reminders import Signer

logger = logging.getLogger(__name__)
WEEK, DAY = datetime.timedelta(days=7), datetime.timedelta(days=1)
# how long a gateway that looks after a reminder has it for itself, and until what failed is tried
# again
LEASE = datetime.timedelta(hours=1)
PAGE = "/editor/reviews"  # of the desk, on which everything that awaits a signature stands
TEXT = """\
Dear {name},

this awaits a signature at the desk of {site}:

{waiting}

Read it and sign it there:
{url}

This mail comes once a week at most, and only while something awaits. Who may
sign gets it; whoever runs the site can change that.
"""


def remind_signers(config: Settings, engine: Engine) -> None:
    """Remind everybody whose turn it is. What fails is told in the log, and is tried again in an
    hour. Raises StoreDown."""
    if not (config.path("data") / "articles").is_dir():
        return  # editors work on another host, whose gateway knows what awaits
    due = reminders.claim_due(engine, config.signer_roles(), LEASE)
    if not due:
        return
    waiting = list_waiting(config)
    if not waiting:
        reminders.postpone(engine, due, DAY)
    elif not config.smtp_host:
        _log_waiting(config, waiting, "told to nobody by mail: SMTP_HOST is empty")
        reminders.postpone(engine, due, WEEK)
    else:
        _send_all(config, engine, due, waiting)


def list_waiting(config: Settings) -> list[str]:
    """What awaits a signature in the content as editors have it, a line each: never signed, changed
    since, due soon. [] where nothing does."""
    counts = _count_waiting(config)
    said = {
        "unsigned": ("answer was never signed", "answers were never signed"),
        "changed": (
            "answer was changed since it was signed",
            "answers were changed since they were signed",
        ),
        "due": (
            "answer is due for a new review within 30 days, or late",
            "answers are due for a new review within 30 days, or late",
        ),
    }
    return [wording.counted(counts[key], *words) for key, words in said.items() if counts[key]]


def write_mail(config: Settings, signer: Signer, waiting: Sequence[str]) -> EmailMessage:
    """The mail that reminds one person; it holds no word of an answer."""
    made = EmailMessage()
    made["Subject"] = f"{config.site_name}: what awaits your signature"
    made["From"] = _address(config.site_name, config.smtp_from)
    made["To"] = _address(signer.name, signer.email or "")
    made["Date"] = format_datetime(datetime.datetime.now(datetime.UTC))
    made["Message-ID"] = make_msgid(domain=config.smtp_from.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # so that no absence note answers it (RFC 3834)
    made.set_content(
        TEXT.format(
            name=signer.name,
            site=config.site_name,
            waiting="\n".join(f"- {line}" for line in waiting),
            url=_page(config),
        )
    )
    return made


def _count_waiting(config: Settings) -> Mapping[str, int]:
    """What sign_offs.count_reviews counts in the content, as the desk's page does."""
    data, secret = config.path("data"), settings.site_secret(config)
    listed = articles.read_articles(data)[0]
    signed = sign_offs.read_all(data, listed)[0]
    reviews = [
        review
        for article in listed
        for review in sign_offs.review_article(
            article, sign_offs.keep_sealed(signed.get(article.id, ()), article.id, secret)
        ).values()
    ]
    return sign_offs.count_reviews(reviews, datetime.datetime.now(datetime.UTC).date())


def _log_waiting(config: Settings, waiting: Sequence[str], why: str) -> None:
    """Say in the log what a mail would say, and `why` none does."""
    logger.warning("awaiting a signature at %s: %s (%s)", _page(config), "; ".join(waiting), why)


def _send_all(
    config: Settings, engine: Engine, due: Sequence[Signer], waiting: Sequence[str]
) -> None:
    """Send a mail to each. Who is not reached is due again: in an hour where the server fails, on
    the next day where it refuses this one."""
    nowhere = [signer for signer in due if not signer.email]
    if nowhere:
        names = ", ".join(signer.name for signer in nowhere)
        _log_waiting(config, waiting, f"not told to {names}, who has no e-mail address")
        reminders.postpone(engine, nowhere, WEEK)
    left = [signer for signer in due if signer.email]
    if not left:
        return
    try:
        with mail.open_server(config) as server:
            while left:
                signer = left[0]
                try:
                    mail.send_mail(server, write_mail(config, signer, waiting), signer.email or "")
                    wait = WEEK
                except mail.Refused as refusal:
                    logger.error("%s was not reminded: %s; again tomorrow", signer.name, refusal)
                    wait = DAY
                reminders.postpone(engine, left[:1], wait)
                del left[0]
    except mail.MailFault as fault:
        if left:  # else it failed at the goodbye
            names = ", ".join(signer.name for signer in left)
            logger.error("%s: not reminded: %s; tried again in an hour", fault, names)


def _page(config: Settings) -> str:
    return (config.public_url or config.address()).rstrip("/") + PAGE


def _address(name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(name, local, domain)
