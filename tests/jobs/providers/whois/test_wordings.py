"""How servers word their answers, far and wide: each sentence made up after the manner of one, about an invented name.

What counts most is the first table: a fault that is taken for "nobody holds it" un-verifies people.
"""

from __future__ import annotations

import pytest

from dashboard.lifecycle.evidence import Outcome, Phase
from jobs.providers.whois.parse import WhoisReading, parse_whois
from tests.jobs.providers.helpers import NOW

FAULTS = (
    ("com", "Your connection limit exceeded. Please slow down and try again later."),
    ("com", "Exceeded the maximum allowable number of whois lookups."),
    ("com", "Too many connection attempts. Please try again in a few seconds."),
    ("com", "Error: IP Address Has Reached Rate Limit"),
    ("com", "WHOIS LIMIT EXCEEDED"),
    ("com", "Quota Exceeded: no data found"),
    ("com", 'No match for "BRELWICK.COM".\nYour request was throttled, try again later.'),
    ("com", "We're sorry, but your IP address has been blocked due to excessive queries. No records found."),
    ("com", "You have been banned for abuse."),
    ("com", "-1: Unable to complete request at this time. Domain not found"),
    ("com", "Timeout."),
    ("com", "Server is busy now, please try again later."),
    ("com", "Internal Error, contact the helpdesk"),
    ("com", "fgets: Connection reset by peer"),
    ("com", "Incorrect domain name or not available in this database"),
    ("com", "This query is not supported. TLD is not supported."),
    ("com", "TLD is not supported by this whois server"),
    ("com", "No whois server is known for this kind of object."),
    ("com", "Invalid request: no domain specified"),
    ("com", "Malformed request."),
    ("com", "Requests from your IP are currently not permitted"),
    ("com", "% Access denied"),
    (
        "com",
        "%ERROR:201: access denied for 203.0.113.9\n%\n% Queries from your IP address have passed the daily limit of controlled objects.",
    ),
    (
        "com",
        "%ERROR:306: connections exceeded\n%\n% Number of connections from a single IP address has exceeded the maximum number allowed (20).",
    ),
    ("com", "% This query returned 0 objects.\n% Too many requests"),
    ("com", "look up quota exceeded"),
    ("com", "Lookup quota exceeded"),
    ("com", "WHOIS service is unavailable. Domain does not exist."),
    ("com", "The WHOIS server is temporarily unavailable"),
    ("com", "Please try again later, the database is being updated. Not found."),
    ("com", "Query frequency too high. Object not found"),
    ("com", "Sorry, daily query allotment reached"),
    ("com", "You reached your query limit, no entries found"),
    ("com", "Excessive querying, grace period of 60 seconds"),
    ("com", "Your IP has been restricted due to excessive access, please wait a bit"),
    ("com", "Rate limit. Object not found."),
    ("com", "Zapytanie odrzucone: przekroczono limit zapytan"),
    ("com", "Has superado el limite de consultas"),
    ("com", "Limite de requetes atteinte"),
    ("com", "Превышен лимит запросов"),
    ("com", "超过查询限制"),
    ("com", "查询过于频繁"),
    ("com", "Limit przekroczony. Brak domeny"),
    ("com", "Domain Name: BRELWICK.COM\nStatus: ERROR"),
    ("com", "Status: throttled\nNot found"),
    ("com", "status: 429 Too Many Requests\nquery_status: not found"),
    ("com", "HTTP/1.1 404 Not Found\nServer: nginx\nContent-Type: text/html\n\nNot Found"),
    ("com", '{"error":"not found"}'),
    ("com", "404 Not Found\nnginx/1.18.0"),
    ("com", "Whois data not available at this time"),
    ("com", "WHOIS data not available. Server not found."),
    ("com", "The requested domain is not available in this server; query another server"),
    ("com", "Socket not responding: Connection refused"),
    ("com", "Domain name not specified"),
    ("com", "Command not found"),
    ("com", "registrar not found"),
    ("com", "Contact not found"),
    ("com", "The registrar's whois server could not be found"),
    ("com", "Handle not found."),
    ("com", "NOTICE: access to this server is logged."),
    ("com", "Domain status could not be determined: not registered or not available"),
    ("com", "Not authorized"),
    ("com", "No permission. No match."),
    ("com", "AVAILABLE COMMANDS: help, domain, contact"),
    ("com", "Free WHOIS service by Example"),
    ("com", "This server is free for non commercial use."),
    ("com", "whois service is available for registered users only"),
    ("com", "Only registered users may query this server"),
    ("com", "%% Maximum query rate reached"),
    ("com", "ERROR: You have reached the hourly query limit"),
    ("it", "Rate limit exceeded"),
    ("it", "Denied"),
    ("co", "Query limit exceeded"),
    ("fr", "%%\n%% This is the AFNIC Whois server.\n%%\n\n%% Too many requests..."),
    ("ro", "% The WHOIS service offered by ROTLD\n\n% Connection refused! Your IP has been blocked."),
    (
        "no",
        "% Norid AS holds the copyright to the lookup service\n%\n% Access to the service is limited. Quota exceeded for this IP",
    ),
    (
        "ee",
        "Search results may not be used for commercial purposes\n\nToo many requests. Your IP is temporarily blocked.",
    ),
    ("hu", "% Whois server 2.08d serving the hu ccTLD\n\nToo many queries, please try again later"),
    ("ru", "% TCI Whois Service.\n\nYou are not allowed to connect"),
    ("sk", "Quota exceeded"),
    ("si", "% This is ARNES whois database\n%\n% ERROR: too many queries, your IP was blacklisted"),
    ("at", "% Copyright (c)2026 by NIC.AT (1)\n%\n% Too many connections from 203.0.113.9"),
    ("dk", "# Hello 203.0.113.9. Your session has been logged.\n#\n\n% Too many requests. Try later"),
    ("hk", "The WHOIS service is limited. You have been rate limited, try again in 60 seconds"),
    ("my", "Welcome to MYNIC Whois Server\n---\nYou have exceeded the query limit"),
    ("co.za", "WHOIS query limit exceeded. Available in 300 seconds"),
    ("za", "Available servers: whois.registry.net.za"),
    ("com", "brelwick.com"),
    ("com", "Domain: brelwick.com"),
    ("com", "Domain: brelwick.com\nDate: 2026-11-22"),
    ("com", "Welcome"),
    ("com", "Domain: brelwick.com\nError: query limit exceeded"),
    ("com", "domain: brelwick.com\nstatus: unavailable due to maintenance"),
    ("com", "Status: Service Unavailable"),
    ("com", "Domain Status: query refused"),
    ("com", "Domain Status: rate limited - Available"),
    ("com", "status: error\nDomain not found in cache, please retry"),
    ("com", "Not found: too many queries from your address"),
    ("com", "No entries found; limit exceeded."),
    ("com", "No match - lookup failed, registry unreachable"),
    ("com", "Domain not found (registry timeout)"),
    ("com", "available: unknown"),
    ("com", "Available: N/A"),
    ("com", "free: 0 queries left"),
    ("com", "Status: free queries exhausted"),
    ("com", "No data available, retry later"),
    ("com", "No information available at the moment"),
    ("com", "no results, server overloaded"),
    ("com", "Record not found. Your IP is blacklisted."),
    ("com", "Domain information not found due to an internal error"),
    ("com", "Domain status: not available at this time"),
    ("com", "Error: Not found. Code: 503 Service Unavailable"),
    ("com", "Connection to registry lost. Domain not found."),
    ("com", "domain lookup failed: not found or server busy"),
    ("com", "WHOIS server not found"),
    ("com", "No WHOIS server found for brelwick.com"),
    ("com", "No whois information found because your access is restricted."),
    ("com", "The domain you requested cannot be looked up at the moment."),
    ("com", "Request denied. No objects found."),
    ("com", "Query denied: no match"),
    ("com", "Authentication required. No match."),
    ("com", "Unauthorized IP address. Domain not found."),
    ("com", "Your IP is not whitelisted - not found"),
    ("com", "% Error: registry database locked, nothing found"),
    ("com", "% Quota: 0 left\n% not found"),
    ("com", "% Remaining queries: 0\n% No entries found."),
)
"""Throttled, refused, out of order, or no WHOIS at all; some say "not found" in the same breath."""

FREE = (
    ("name", "No match."),
    ("edu", "NO MATCH: brelwick.edu"),
    (
        "int",
        "% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n% This query returned 0 objects.",
    ),
    ("tel", "Not found: brelwick.tel"),
    (
        "uz",
        '% Uzinfocom Whois Server, Updated 1.10.2015, Whois Server Version 1.0\n\n% This is the .uz ccTLD Whois server\n\nSorry, but domain: "brelwick.uz", not found in database',
    ),
    ("tk", "Invalid query or domain name not known in Dot TK Domain Registry"),
    ("tk", "Domain name not known"),
    ("to", "No match for brelwick.to"),
    ("nu", '# Copyright (c) 1997- IIS\n#\ndomain "brelwick.nu" not found.'),
    ("ws", "The queried object does not exist: brelwick.ws"),
    ("sm", "No entries found."),
    ("tg", "Domain brelwick.tg not found"),
    (
        "co.ug",
        "**********************************************************\n*            The UG ccTLD Registry Database              *\n**********************************************************\n\nNo entries found for the selected source.",
    ),
    ("co.ke", "Domain Status: No Object Found"),
    ("ng", "Domain brelwick.ng not found in the database"),
    ("ci", "Domain brelwick.ci not found"),
    ("dz", "NO OBJECT FOUND!"),
    ("qa", "No Data Found"),
    ("om", "No Data Found"),
    ("bn", "Domain Name: brelwick.bn\nStatus: Available"),
    ("la", "DOMAIN NOT FOUND"),
    ("mn", "Domain not found."),
    ("pk", "Domain not found: brelwick.pk"),
    ("gl", "No Object Found"),
    ("fo", "Domain not found."),
    (
        "mc",
        "% This is the RIPE Database query service.\n% The objects are in RPSL format.\n\n%ERROR:101: no entries found\n%\n% No entries found in source NIC-MC.",
    ),
    (
        "cr",
        "%  (c) 2006-2010 NIC Costa Rica\n% Whoisd Server Version: 3.9.0\n\n%ERROR:101: no entries found\n% \n% No entries found.",
    ),
    ("do", "Status: not registered"),
    ("ai", "No Object Found"),
    ("vg", "DOMAIN NOT FOUND"),
    ("fm", "The queried object does not exist: DOMAIN NOT FOUND"),
    ("cc", 'No match for "BRELWICK.CC".\n>>> Last update of WHOIS database: 2026-11-22T08:31:51Z <<<'),
    ("bz", "NOT FOUND"),
    ("mu", "Domain Status: No Object Found"),
    ("nc", "No entries found in the .nc database."),
    ("pf", "Domain unknown"),
    ("tl", "No Object Found"),
    ("so", "Not found: brelwick.so"),
    ("ly", "Not found"),
    ("iq", "Domain Status: No Object Found"),
    ("ps", "Domain Status: No Object Found"),
    ("sy", "Domain Status: No Object Found"),
    ("eg", "Domain not registered"),
    ("ec", "Status: Not Registered"),
    ("bo", "dominio brelwick.bo no existe"),
    ("com.co", "Not found: brelwick.com.co"),
    ("tj", "No match for brelwick.tj"),
    ("tm", 'Domain "brelwick.tm" - Available'),
    ("sh", 'Domain "brelwick.sh" - Available'),
    ("io", 'Domain "brelwick.io" - Available'),
    ("com", "Domain name BRELWICK.COM is available"),
    ("lb", "Domain brelwick.lb is not registered"),
    ("bj", "brelwick.bj: NO MATCH"),
    ("cat", "% puntCAT Whois Server\n%\nNOT FOUND"),
    ("coop", 'No domain records were found to match "brelwick.coop"'),
    ("aero", "NOT FOUND"),
    ("jobs", 'No match for "BRELWICK.JOBS".'),
    ("tel", "No domains found"),
    ("berlin", "% Error\n% \n% domain not found"),
    ("hamburg", "%\n% No match"),
    ("paris", "%% NOT FOUND"),
    ("tirol", "% nothing found"),
    ("amsterdam", "brelwick.amsterdam is free"),
    ("frl", "Domain not found."),
    ("gal", "No such domain"),
    ("mil", "No Domains Found"),
    ("com", "No se encontro el dominio"),
    ("gt", "Dominio no registrado"),
    ("sv", "El dominio brelwick.sv esta disponible"),
    ("py", "Dominio no existe"),
    ("com", "Le domaine brelwick.com est libre"),
    ("com", "Nie znaleziono domeny"),
    ("com", "Domena brelwick.com nije registrirana"),
    ("pt", "Domínio não encontrado"),
    ("com", "Domain brelwick.com ist nicht registriert"),
    ("com", "Domän saknas"),
    ("com", "Domenet finnes ikke"),
    ("com", "未找到该域名"),
    ("com", "域名未注册"),
    ("com", "Домен не найден"),
    ("com", "Домен не зарегистрирован"),
)
"""Nobody holds the name."""

RESERVED = (
    (
        "club",
        "The registration of this domain is restricted, as it is protected by the Donuts DPML Brand Protection policy.",
    ),
    ("fan", "The registration of this domain is restricted, as it is protected by the Tucows DPML."),
    ("shop", "Reserved Domain Name"),
    ("wang", "The Domain Name is Reserved by Registry"),
    ("nyc", "Reserved name"),
    ("vip", "This name is not available for registration:\n\nThis name subscribes to the AdultBlock product"),
    ("tv", "Domain reserved"),
    ("buzz", "Not available for registration"),
    ("sexy", "This name is reserved by the Registry"),
    ("se", '# Copyright (c)\ndomain "brelwick.se" is blocked'),
    ("eu", "% WHOIS brelwick.eu\nDomain: brelwick.eu\nStatus: RESERVED"),
    ("eu", "% WHOIS brelwick.eu\nDomain: brelwick.eu\nStatus: NOT ALLOWED"),
    ("nl", "brelwick.nl: domain name excluded from registration"),
    ("dk", "Domain:               brelwick.dk\nStatus:               Reserved"),
    ("kr", "The requested domain is restricted"),
)
"""Nobody can have the name."""


def read(tld: str, text: str, *, knows_name: bool) -> WhoisReading:
    return parse_whois(text, f"brelwick.{tld}" if knows_name else f".{tld}", NOW)


@pytest.mark.parametrize("knows_name", [True, False])
@pytest.mark.parametrize(("tld", "text"), FAULTS)
def test_a_fault_is_an_error(tld: str, text: str, *, knows_name: bool) -> None:
    assert read(tld, text, knows_name=knows_name).outcome is Outcome.ERROR


@pytest.mark.parametrize("knows_name", [True, False])
@pytest.mark.parametrize(("tld", "text"), FREE)
def test_a_free_name_is_found_free(tld: str, text: str, *, knows_name: bool) -> None:
    reading = read(tld, text, knows_name=knows_name)
    assert (reading.outcome, reading.phase) == (Outcome.NOT_FOUND, Phase.AVAILABLE)


@pytest.mark.parametrize("knows_name", [True, False])
@pytest.mark.parametrize(("tld", "text"), RESERVED)
def test_a_reserved_name_is_not_free(tld: str, text: str, *, knows_name: bool) -> None:
    reading = read(tld, text, knows_name=knows_name)
    assert (reading.outcome, reading.phase) == (Outcome.FOUND, Phase.RESERVED)


@pytest.mark.parametrize(("tld", "text"), FREE)
def test_a_fault_beside_it_takes_a_free_names_word_away(tld: str, text: str) -> None:
    throttled = f"{text}\n\nQuery limit exceeded, please try again later\n"
    assert read(tld, throttled, knows_name=True).outcome is Outcome.ERROR
