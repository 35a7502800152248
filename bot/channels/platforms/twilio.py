"""Twilio: SMS, and WhatsApp by way of Twilio (https://www.twilio.com/docs/messaging)."""

import base64
import hashlib
import hmac
import re
import urllib.parse
from typing import Any

import httpx

from bot.channels import base, commands, phone_numbers, rendering, sms_length
from bot.channels.platforms import whatsapp
from bot.runtime import settings

NEEDS = ("public_url", "twilio_account", "twilio_token")
METHODS = ("POST",)
SEGMENTS = 10  # more of them networks cut or lose
# A choice is numbered: neither SMS nor a free WhatsApp message of Twilio's has buttons. Of a source
# an SMS names no address; the page has it.
STYLE = rendering.Style(
    limit=SEGMENTS,
    measure=sms_length.count_segments,
    escape=sms_length.plain_typography,
    source=lambda label, url: label,
    says=False,
    titles=0,
)
WHATSAPP = rendering.Style(
    limit=1600,
    escape=whatsapp.STYLE.escape,
    bold=whatsapp.STYLE.bold,
    italic=whatsapp.STYLE.italic,
    titles=0,
)
# a telephone number, or WhatsApp's user id; others are short codes and names: machines
SENDER = re.compile(r"(?:whatsapp:)?\+[0-9]{7,15}|whatsapp:[A-Za-z]+\.[A-Za-z0-9.]+")
STOP = (
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
)
WORDS = {**dict.fromkeys(STOP, "stop"), "info": "help"}
HELP = ("help", "info")
OPT_OUTS = {"STOP": "stop", "START": "start", "HELP": "help"}
# https://www.twilio.com/docs/api/errors: opted out, no number, no mobile number, not on WhatsApp
GONE = (21610, 21211, 21614, 63003, 63024)


async def verify(context: base.ChannelContext, call: base.PlatformCall) -> None:
    given = call.headers.get("x-twilio-signature")
    if not any(
        [
            base.is_same_secret(given, _sign(context.config, url, call.body))
            for url in _urls(context.config, call)
        ]
    ):
        raise base.Forged("signature")


def _urls(config: settings.Settings, call: base.PlatformCall) -> list[str]:
    """The address that Twilio called, as it may have signed it: with and without the port."""
    url = urllib.parse.urlsplit(config.public_url.rstrip("/") + call.target)
    ports = {
        url.netloc,
        f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}",
        url.hostname or "",
    }
    return [urllib.parse.urlunsplit(url._replace(netloc=netloc)) for netloc in ports]


def _sign(config: settings.Settings, url: str, body: bytes) -> str:
    fields = sorted(
        set(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    )
    signed = url + "".join(name + value for name, value in fields)
    return base64.b64encode(
        hmac.new(
            config.twilio_token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1
        ).digest()
    ).decode()


def read_call(
    context: base.ChannelContext, call: base.PlatformCall
) -> tuple[list[base.Message], base.Acknowledgement]:
    form = call.form()
    id, sender, us, said = (form.get(name) for name in ("MessageSid", "From", "To", "Body"))
    if (
        not id
        or not us
        or said is None
        or not sender
        or not SENDER.fullmatch(sender)
        or "MessageStatus" in form
    ):
        return [], base.NO_XML
    # by Twilio itself; what it means is ours to keep
    answered = OPT_OUTS.get(form.get("OptOutType", ""))
    is_place = "Latitude" in form
    sms_help = said.strip(" \t\r\n.!?\"'/").lower() in HELP and not sender.startswith("whatsapp:")
    message = base.Message(
        id=id,
        visitor=f"{us} {sender}",
        address={"From": us, "To": sender},
        text=answered
        or (None if is_place else WORDS.get(commands.read_command(said), said))
        or None,
        country=phone_numbers.country_of(sender.removeprefix("whatsapp:")),
        files=form.get("NumMedia", "0") != "0",
        note="help_sms" if sms_help else None,
        answered=bool(answered),
    )
    return [message], base.NO_XML


def render(unit: rendering.Unit) -> list[base.JsonObject]:
    return [
        {"sms": rendering.write_unit(unit, STYLE), "whatsapp": rendering.write_unit(unit, WHATSAPP)}
    ]


async def send(
    context: base.ChannelContext, address: base.JsonObject, payload: base.JsonObject
) -> None:
    body = payload["whatsapp" if address["To"].startswith("whatsapp:") else "sms"]
    response = await _call(context, "POST", "/Messages.json", data={**address, "Body": body})
    if response.status_code >= 400:
        code = base.dig(base.answer_of(response), "code", kind=int)
        if code in GONE:
            raise base.Blocked
        raise base.refused_for_good(response, code)


async def check(context: base.ChannelContext) -> str:
    response = await _call(context, "GET", ".json")
    if response.status_code >= 400:
        raise base.refused_for_good(response, base.dig(base.answer_of(response), "code", kind=int))
    return str(base.answer_of(response).get("friendly_name"))


async def _call(
    context: base.ChannelContext, method: str, path: str, **options: Any
) -> httpx.Response:
    config = context.config
    return await base.ask_platform(
        context,
        method,
        f"{config.twilio_url}/2010-04-01/Accounts/{config.twilio_account}{path}",
        auth=(config.twilio_account, config.twilio_token),
        **options,
    )
