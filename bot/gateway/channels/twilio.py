"""Twilio: SMS, and WhatsApp by way of Twilio (https://www.twilio.com/docs/messaging)."""

import base64
import hashlib
import hmac
import re
import urllib.parse

from bot.gateway.channels import commands, phones, shape, sms, text, whatsapp

NEEDS = ("public_url", "twilio_account", "twilio_token")
METHODS = ("POST",)
SEGMENTS = 10  # more of them networks cut or lose
# A choice is numbered: neither SMS nor a free WhatsApp message of Twilio's has buttons. Of a source
# an SMS names no address; the page has it.
STYLE = text.Style(
    limit=SEGMENTS,
    measure=sms.segments,
    escape=sms.plain,
    source=lambda label, url: label,
    says=False,
    titles=0,
)
WHATSAPP = text.Style(
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


async def verify(site, call):
    given = call.headers.get("x-twilio-signature")
    if not any(
        [shape.same(given, _sign(site.config, url, call.body)) for url in _urls(site.config, call)]
    ):
        raise shape.Forged("signature")


def _urls(config, call):
    """The address that Twilio called, as it may have signed it: with and without the port."""
    url = urllib.parse.urlsplit(config.public_url.rstrip("/") + call.target)
    ports = {
        url.netloc,
        f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}",
        url.hostname or "",
    }
    return [urllib.parse.urlunsplit(url._replace(netloc=netloc)) for netloc in ports]


def _sign(config, url, body):
    fields = sorted(
        set(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    )
    signed = url + "".join(name + value for name, value in fields)
    return base64.b64encode(
        hmac.new(
            config.twilio_token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1
        ).digest()
    ).decode()


def read(site, call):
    form = call.form()
    id, sender, us, said = (form.get(name) for name in ("MessageSid", "From", "To", "Body"))
    if (
        not id
        or not us
        or said is None
        or not SENDER.fullmatch(sender or "")
        or "MessageStatus" in form
    ):
        return [], shape.NO_XML
    # by Twilio itself; what it means is ours to keep
    answered = OPT_OUTS.get(form.get("OptOutType", ""))
    is_place = "Latitude" in form
    sms_help = said.strip(" \t\r\n.!?\"'/").lower() in HELP and not sender.startswith("whatsapp:")
    message = shape.Message(
        id=id,
        visitor=f"{us} {sender}",
        address={"From": us, "To": sender},
        text=answered
        or (None if is_place else WORDS.get(commands.read_command(said), said))
        or None,
        country=phones.country_of(sender.removeprefix("whatsapp:")),
        files=form.get("NumMedia", "0") != "0",
        note="help_sms" if sms_help else None,
        answered=bool(answered),
    )
    return [message], shape.NO_XML


def render(unit):
    return [{"sms": text.write(unit, STYLE), "whatsapp": text.write(unit, WHATSAPP)}]


async def send(site, address, payload):
    body = payload["whatsapp" if address["To"].startswith("whatsapp:") else "sms"]
    response = await _call(site, "POST", "/Messages.json", data={**address, "Body": body})
    if response.status_code >= 400:
        code = shape.dig(shape.answer_of(response), "code", kind=int)
        if code in GONE:
            raise shape.Blocked
        raise shape.refused(response, code)


async def check(site):
    response = await _call(site, "GET", ".json")
    if response.status_code >= 400:
        raise shape.refused(response, shape.dig(shape.answer_of(response), "code", kind=int))
    return str(shape.answer_of(response).get("friendly_name"))


async def _call(site, method, path, **options):
    config = site.config
    return await shape.ask(
        site,
        method,
        f"{config.twilio_url}/2010-04-01/Accounts/{config.twilio_account}{path}",
        auth=(config.twilio_account, config.twilio_token),
        **options,
    )
