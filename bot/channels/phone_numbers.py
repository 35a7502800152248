"""The country of a telephone number, or of WhatsApp's user id, for emergency numbers; only where it
leaves no doubt."""

import re

from bot.domain import countries

USER_ID = re.compile(r"([A-Z]{2})\.[A-Za-z0-9.]+")  # US.13491208655302741918
COUNTRIES = {
    code: country
    for country, codes in {
        "GB": "44",
        "IE": "353",
        "AU": "61",
        "NZ": "64",
        "AT": "43",
        "BE": "32",
        "BG": "359",
        "HR": "385",
        "CY": "357",
        "CZ": "420",
        "DK": "45",
        "EE": "372",
        "FI": "358",
        "FR": "33",
        "DE": "49",
        "GR": "30",
        "HU": "36",
        "IT": "39",
        "LV": "371",
        "LT": "370",
        "LU": "352",
        "MT": "356",
        "NL": "31",
        "PL": "48",
        "PT": "351",
        "RO": "40",
        "SK": "421",
        "SI": "386",
        "ES": "34",
        "SE": "46",
        "IS": "354",
        "LI": "423",
        "NO": "47",
        "CH": "41",
        "TR": "90",
        "UA": "380",
        "IL": "972",
        "IN": "91",
        "BD": "880",
        "LK": "94",
        "JP": "81",
        "KR": "82",
        "CN": "86",
        "HK": "852",
        "TW": "886",
        "SG": "65",
        "MY": "60",
        "PH": "63",
        "TH": "66",
        "ZA": "27",
        "NG": "234",
        "KE": "254",
        "BR": "55",
        "MX": "52",
        "AR": "54",
        "CL": "56",
        "CO": "57",
        "UY": "598",
        "PK": "92",
        "EG": "20",
        "VN": "84",
        "IR": "98",
        "IQ": "964",
        "SA": "966",
        "NP": "977",
        "PE": "51",
        "ID": "62",
        "MA": "212",
        "DZ": "213",
        "GH": "233",
        "UG": "256",
    }.items()
    for code in codes.split()
}
# The United States, Canada and islands share +1; those of Canada and of the islands are listed by
# NANPA (https://www.nanpa.com).
CANADA = frozenset(
    """204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 468 474 506 514
519 537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 851 867 873 879 902 905 942""".split()  # noqa: E501
)
ISLANDS = frozenset(
    "242 246 264 268 284 340 345 441 473 649 658 664 670 671 684 721 758 767 784 787 809 829 849 "
    "868 869 876 939".split()
)


def country_of(number: str) -> str | None:
    """The ISO code of an international number's country, or None; with or without "+". A user id
    of WhatsApp's begins with it."""
    if found := USER_ID.fullmatch(number):
        return countries.country_code(found[1])
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        return None
    if digits.startswith("1") and len(digits) == 11:
        area = digits[1:4]
        return "CA" if area in CANADA else None if area in ISLANDS else "US"
    return next((COUNTRIES[digits[:size]] for size in (3, 2) if digits[:size] in COUNTRIES), None)
