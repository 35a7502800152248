"""Twilio, as https://www.twilio.com/docs/messaging and https://www.twilio.com/docs/usage/security
describe it."""

import base64
import hashlib
import hmac
import re
import urllib.parse

from tests.channels.apps import PUBLIC, Call, ids
from tests.channels.platforms import Refused, Sent

NAME = "twilio"
SIGNED_BY = ("X-Twilio-Signature",)
ACCOUNT, TOKEN, US = "AC" + "1" * 32, "twilio-auth-token", "+15005550006"
URL = f"{PUBLIC}/channels/twilio"


def settings(url):
    return {"TWILIO_ACCOUNT": ACCOUNT, "TWILIO_TOKEN": TOKEN, "TWILIO_URL": f"{url}/twilio"}


def number(person):
    return f"+1555{person:06}"


def call(fields, url=URL, token=TOKEN, query=""):
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(
        hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    ).decode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature,
        "User-Agent": "TwilioProxy/1.1",
    }
    return Call(headers, urllib.parse.urlencode(fields).encode(), query)


def fields(person, text, id=None, **more):
    id = f"SM{id or next(ids)}"
    return {
        "MessageSid": id,
        "SmsMessageSid": id,
        "SmsSid": id,
        "SmsStatus": "received",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "NumSegments": "1",
        "NumMedia": "0",
        "From": number(person),
        "To": US,
        "Body": text,
        "FromCity": "",
        "ToCountry": "US",
        **more,
    }


def write(person, text, id=None, **more):
    return call(fields(person, text, id, **more))


def press(person, sent, title):
    return write(person, re.search(rf"Reply (\d+) for {re.escape(title)}", sent.text)[1])


def take(platform, request):
    expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    if request.headers.get("authorization") != expected:
        raise Refused(401, {"code": 20003, "message": "Authenticate", "status": 401})
    path = request.path.removeprefix("2010-04-01/Accounts/")
    if path == f"{ACCOUNT}.json":
        return 200, {"sid": ACCOUNT, "friendly_name": "Clinic", "status": "active"}
    if path != f"{ACCOUNT}/Messages.json":
        raise Refused(404, {"code": 20404, "message": "not found", "status": 404})
    form = request.form()
    prefix = "whatsapp:" if form["To"].startswith("whatsapp:") else ""
    need(
        form["From"].startswith(f"{prefix}+")
        and re.fullmatch(r"(whatsapp:)?\+\d{7,15}|whatsapp:[A-Z]{2}\.\w+", form["To"]),
        21211,
        "Invalid 'To' Phone Number",
    )
    need(form.get("Body"), 21602, "Message body is required")
    need(
        len(form["Body"]) <= 1600,
        21617,
        "The concatenated message body exceeds the 1600 character limit",
    )
    person = form["To"].removeprefix(prefix)
    person = str(int(person.removeprefix("+1555"))) if person.startswith("+") else person
    platform.sent.append(Sent(NAME, prefix + person, form["Body"], [], form))
    return 201, {"sid": f"SM{next(ids)}", "status": "queued", "num_segments": "1"}


def need(holds, code, what):
    if not holds:
        raise Refused(400, {"code": code, "message": what, "status": 400})


def odd(person):
    only_text = "I can only read text"
    picture = {
        "NumMedia": "1",
        "MediaUrl0": "https://api.twilio.com/x",
        "MediaContentType0": "image/jpeg",
    }
    return {
        "a picture": (write(person, "", **picture), only_text),
        "a picture beside a danger": (write(person, "i want to kill myself", **picture), "116 123"),
        "an empty message": (write(person, ""), only_text),
        "a short code's": (write(person, "Your code is 1234", From="73123"), None),
        "a name's": (write(person, "Your parcel is here", From="PARCELS"), None),
        "a status": (
            call(
                {
                    "MessageSid": "SM1",
                    "MessageStatus": "delivered",
                    "To": number(person),
                    "From": US,
                }
            ),
            None,
        ),
        "what Twilio answered itself": (write(person, "HELP", OptOutType="HELP"), None),
        "nothing": (call({}), None),
    }


def forged(person):
    good = fields(person, "hello")
    signed = write(person, "hello")
    return {
        "another account's": call(good, token="another"),
        "another address": call(good, url="https://evil.example/channels/twilio"),
        "another scheme": call(good, url=URL.replace("https", "http")),
        "another channel": call(good, url=f"{PUBLIC}/channels/slack"),
        "another query": call(good, query="a=1"),
        "a field more": Call(signed.headers, signed.body + b"&Extra=1"),
        "a field less": Call(signed.headers, signed.body.partition(b"&")[2]),
    }
