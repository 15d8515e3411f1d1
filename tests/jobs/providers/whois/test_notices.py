"""Faults that stand beside a "no such name" free nobody's name: polite ones, and those of other languages.

Each made up after the manner of a server, about an invented name.
"""
# ruff: noqa: RUF001 - letters that look like Latin ones are what these sentences are written in

from __future__ import annotations

import time

import pytest

from dashboard.lifecycle.evidence import ErrorKind, Outcome
from jobs.providers.whois.parse import parse_whois
from tests.jobs.providers.helpers import NOW

FAULTS = (
    ("com", "Please note: the query limit of 30 requests per minute for your network was exceeded."),
    ("com", 'Please note: the query limit was exceeded.\nNo match for "BRELWICK.COM".'),
    ("com", "Please note that the query limit was exceeded"),
    ("com", "Note: your query limit for today has been exceeded. No match"),
    (
        "com",
        'No match for "BRELWICK.COM".\n\nNOTICE: Please note, the query limit for your network was exceeded. By submitting a query you agree to abide by the following terms of use: you may use this data only for lawful purposes.',
    ),
    (
        "com",
        'No match for domain "BRELWICK.COM".\n>>> Last update of WHOIS database: 2026-11-22T08:31:51Z <<<\n\nTERMS OF USE: You are not authorized to access or query our Whois database through the use of electronic processes that are high-volume and automated. Your query limit has been exceeded.',
    ),
    ("com", "In accordance with our terms of use, access has been limited for your address. No match."),
    ("com", "Please be advised that the number of queries allowed was exceeded.\nNot found"),
    ("com", "We reserve the right to limit queries; your limit has been reached. No entries found."),
    ("com", "WHOIS queries from your address were limited for abuse of the service.\nNo match"),
    (
        "com",
        "The policy of this registry limits queries. The limit was exceeded from 203.0.113.9.\nNo match for brelwick.com",
    ),
    ("de", "% Error: 55000000002 Connection refused; access control limit exceeded"),
    ("de", "%\n% Error: 55000000002 Connection refused; access control limit reached."),
    ("de", "Domain: brelwick.de\nStatus: failed"),
    ("de", "Domain: brelwick.de\nStatus: invalid"),
    (
        "uk",
        '    Error for "brelwick.uk".\n\n    This domain cannot be registered because it contravenes the Nominet UK\n    naming rules.  The reason is:\n        the domain name contains too many parts.',
    ),
    ("uk", 'Error for "brelwick.uk".\n\nThe WHOIS service is not available at present. Please try again later.'),
    ("fr", "%% NOT FOUND - you have been rate-limited"),
    (
        "eu",
        "% The WHOIS service offered by EURid and the access to the records\n% in the EURid WHOIS database are provided for information purposes\n% only.\n\n-1: Still in grace period, wait 7 seconds",
    ),
    ("eu", "-1: Excessive querying, grace period of 30 seconds"),
    ("eu", "-2: Unauthorized"),
    (
        "be",
        "% .be Whois Server 6.1\n%\n% The WHOIS service offered by DNS Belgium and the access to the records in the DNS Belgium\n% WHOIS database are provided for information purposes only. \n\n-1: Excessive querying, grace period of 60 seconds",
    ),
    ("be", "-1: Still in grace period, wait 15 seconds"),
    ("be", "% Excessive querying. Your IP address has been blocked\n\nStatus:\tAVAILABLE"),
    ("nl", "-1: Excessive querying. Please try again later."),
    ("nl", "Error: temporarily out of service"),
    (
        "nl",
        "You have exceeded the maximum number of 15 queries per second. Your IP is now limited\nbrelwick.nl is free",
    ),
    ("nl", "brelwick.nl is not a valid domain name"),
    ("br", "% Permission denied: rate limit"),
    ("br", "% Maximum concurrent connections limit exceeded"),
    ("br", "% Invalid query"),
    ("jp", "アクセスが制限されています。しばらくしてから再度お試しください。"),
    ("jp", "検索回数の上限を超えました"),
    ("kr", "query : brelwick.kr\n\n\n요청하신 도메인은 조회 횟수를 초과하였습니다."),
    (
        "kr",
        "# KOREAN(UTF8)\n\n조회 제한을 초과하였습니다. 잠시 후 다시 시도해 주십시오.\n\n# ENGLISH\n\nYou have exceeded the allowed number of WHOIS queries.",
    ),
    ("cn", "Queried interval is too short."),
    ("cn", "Sorry, your access is too frequent"),
    ("cn", "您的查询过于频繁，请稍后再试"),
    ("cn", "查询次数超过限制，没有找到匹配的记录"),
    ("cn", "该IP查询次数已达上限"),
    ("tw", "網域名稱查詢次數過多,請稍後再試"),
    ("tw", "Query limit reached, please wait. No Found"),
    (
        "au",
        "BLACKLISTED: You have exceeded the query limit for your network or IP address and have been blacklisted.",
    ),
    ("au", "WHOIS LIMIT EXCEEDED - SEE WWW.AUDA.ORG.AU\nNo Data Found"),
    (
        "it",
        "*********************************************************************\n* Please note that the query limit was exceeded.                    *\n*********************************************************************\n\nDomain:             brelwick.it\nStatus:             AVAILABLE",
    ),
    ("it", "Domain: brelwick.it\nStatus: UNASSIGNABLE?\nquery denied"),
    ("ch", "Requests of this client are not permitted. Please use https://www.nic.ch/whois/ for queries."),
    ("li", "Requests of this client are not permitted. Please use https://www.nic.li/whois/ for queries."),
    ("ch", "We do not have an entry in our database matching your query.\nYour request limit has been used up."),
    ("dk", "Internal Server Error"),
    ("dk", "# No entries found for the selected source.\n# Your IP was blocked for excessive use"),
    ("no", "% Kvoten er overskredet\n% No match"),
    ("no", "% Your query quota is used up for today.\n% No match"),
    ("pl", "request limit exceeded"),
    (
        "pl",
        "Przekroczono limit zapytań. No information available about domain name brelwick.pl in the Registry NASK database.",
    ),
    ("pl", "request limit exceeded for 203.0.113.9"),
    ("pl", "Looking up IDN data of domains is temporarily unavailable"),
    ("org", "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS"),
    ("org", "The WHOIS service is being retired. NOT FOUND"),
    ("org", "This TLD has no WHOIS server any more; use RDAP. NOT FOUND"),
    ("info", "WHOIS LIMIT EXCEEDED - SEE WWW.AFILIAS.INFO/WHOIS FOR DETAILS"),
    ("xyz", "Lookup quota exceeded."),
    ("xyz", "Error: Lookup quota exceeded; session closed."),
    ("xyz", "Sorry, lookup quota exceeded. DOMAIN NOT FOUND"),
    ("guru", "Number of allowed queries exceeded."),
    ("us", "You have reached the maximum number of queries for the present interval"),
    (
        "us",
        "No Data Found\nURL of the ICANN Whois Inaccuracy Complaint Form: https://www.icann.org/wicf/\n>>> Last update of WHOIS database: 2026-11-22T08:31:51Z <<<\nNOTICE: maximum query count for this client was passed",
    ),
    ("biz", "Not found: brelwick.biz\nThe request was delayed and then dropped because of high load"),
    ("hk", "The Whois server is currently overloaded. The domain has not been registered."),
    ("sg", "Quota exceeded\n\nDomain Not Found"),
    ("in", "You have exceeded your quota of queries.\nNOT FOUND"),
    ("in", "Rate limit reached (RL-05)"),
    ("tv", 'Exceeded WHOIS query rate. No match for "BRELWICK.TV".'),
    ("me", "This server will stop answering. NOT FOUND? Try RDAP"),
    (
        "ru",
        "% TCI Whois Service. Terms of use:\n% https://tcinet.ru/documents/whois_ru_rf.pdf (in Russian)\n% https://tcinet.ru/documents/whois_su.pdf (in Russian)\n\nYou are not allowed to connect",
    ),
    ("ru", "% You have exceeded allowed connection rate.\nNo entries found for the selected source(s)."),
    ("ru", "Слишком много запросов. Попробуйте позже."),
    ("ru", "Превышено допустимое число запросов.\nNo entries found for the selected source(s)."),
    ("ua", "% Request limit reached: 200 per hour\n% No entries found for brelwick.ua"),
    ("ua", "Забагато запитів, спробуйте пізніше. No entries found"),
    (
        "se",
        '# Copyright (c) 1997- The Swedish Internet Foundation.\n# All rights reserved.\nYour IP address has been rate limited, contact registry@example.test\ndomain "brelwick.se" not found.',
    ),
    ("se", "För många frågor. Försök igen senare."),
    ("se", 'Antalet frågor har överskridits. domain "brelwick.se" not found.'),
    ("fi", "Liian monta kyselyä. Domain not found"),
    ("fi", "Too many queries. Domain not found"),
    ("cz", "% Překročen limit dotazů\n%ERROR:101: no entries found"),
    ("hu", "Túl sok lekérdezés\nNincs talalat / No match"),
    ("tr", "Sorgu limitiniz aşıldı\nNo match found"),
    ("es", "Límite de consultas excedido. No encontrado"),
    ("es", "Ha excedido el número máximo de consultas permitidas. Dominio no encontrado"),
    ("pt", "Foi excedido o limite de pedidos\nbrelwick.pt - No Match"),
    ("pt", "Número máximo de consultas atingido\nbrelwick.pt - No Match"),
    ("fr", "Nombre maximal de requêtes dépassé\nNOT FOUND"),
    ("de", "Anfragelimit überschritten. Domain: brelwick.de Status: free"),
    ("de", "Zu viele Anfragen. Bitte versuchen Sie es später erneut.\nDomain: brelwick.de\nStatus: free"),
    ("at", "% Quota exceeded\n% nothing found"),
    ("at", "% Sie haben das Abfragelimit erreicht\n% nothing found"),
    ("nl", "Te veel verzoeken. brelwick.nl is free"),
    ("nl", "Limiet overschreden\nbrelwick.nl is free"),
    ("it", "Limite di interrogazioni superato\nDomain: brelwick.it\nStatus: AVAILABLE"),
    ("it", "Troppe richieste, riprovare più tardi\nDomain: brelwick.it\nStatus: AVAILABLE"),
    ("ro", "Prea multe interogari\n% No entries found for the selected source(s)."),
    ("gr", "Υπέρβαση ορίου ερωτημάτων. Not found"),
    ("vn", "Quá nhiều yêu cầu. Not found"),
    ("id", "Batas kueri terlampaui. DOMAIN NOT FOUND"),
    ("id", "Terlalu banyak permintaan\nDOMAIN NOT FOUND"),
    ("th", "คุณใช้งานเกินจำนวนที่กำหนด\nNo match for 'brelwick.th'."),
    ("ir", "% Query denied due to limit\n%ERROR:101: no entries found"),
    (
        "il",
        "% The data in the WHOIS database of the .il registry is provided\n% by ISOC-IL for information purposes\n\n% Your IP was blocked.\n% No data was found to match the request criteria.",
    ),
    ("sa", "% Maximum number of queries per day reached (50)\n% No Match for brelwick.sa"),
    ("ae", "Available\nWarning: query allowance used up"),
    ("nz", "query_status: 220 Available\nwarning: 450 request rate too high"),
    ("nz", "query_status: 440 Request Denied\nquery_exceeded: 100"),
    (
        "ca",
        "Domain name: brelwick.ca\nDomain status: available\n% Use of CIRA's WHOIS service is governed by the Terms of Use\n% Exceeded: you may only do 100 queries per hour",
    ),
    ("mx", "Su IP ha sido bloqueada\nNo_Se_Encontro_El_Objeto/Object_Not_Found"),
    ("mx", "Error: Limite de consultas alcanzado\nObject_Not_Found"),
    (
        "ar",
        "% La información a la que estás accediendo se provee exclusivamente para\n% fines relacionados con operaciones sobre nombres de dominios y DNS\n\nSupero la cantidad de consultas permitidas\nEl dominio no se encuentra registrado en NIC Argentina",
    ),
    (
        "cl",
        "%%\n%% This is the NIC Chile Whois server (whois.nic.cl).\n%%\n\nDemasiadas consultas desde su IP\nbrelwick.cl: no entries found.",
    ),
    ("pe", "Consultas agotadas. No Object Found"),
    ("co", "Query rate of 50 per minute breached. DOMAIN NOT FOUND"),
    ("io", "Daily limit hit - brelwick.io is available for purchase"),
    ("ai", "Access suspended pending review. No Object Found."),
    ("com", 'Server too busy, try later. No match for "BRELWICK.COM".'),
    ("com", "The server is undergoing scheduled maintenance from 02:00 to 04:00 UTC.\nNo match for domain."),
    ("com", "This service is under scheduled works. Domain not found."),
    ("com", "No match for domain. (backend unavailable)"),
    ("com", "Partial result: not all registries answered. No match"),
    ("com", "The registry could not be contacted. brelwick.com is available."),
    ("com", "Your quota is exhausted; brelwick.com is available"),
    ("com", "Out of queries. Domain brelwick.com not found."),
    ("com", "No credits left. Not found"),
    ("com", "Captcha required. No match"),
    ("com", "Please solve the captcha at https://whois.example.test\nNo match for brelwick.com."),
    ("com", "Please register your IP address to use this WHOIS. Not found."),
    ("com", "You must be authenticated to query. Not found"),
    ("com", "Session limit reached. Closing connection. No match"),
    ("com", "Connection closed due to too many connections."),
    ("com", "tarpit: delaying response. No entries found"),
    ("com", "Query blocked by firewall. Domain not found."),
    ("com", "Query was not processed.\nNo match."),
    ("com", "We're sorry, you've used your daily allotment of lookups\nNo match for \"BRELWICK.COM\"."),
    ("com", 'You\'ve hit the limit of 20 lookups a day\nNo match for "BRELWICK.COM".'),
    ("com", 'You\'re sending requests too quickly.\nNo match for "BRELWICK.COM".'),
    ("com", 'Hourly cap reached. No match for "BRELWICK.COM".'),
    ("com", 'Fair use: cap exceeded\nNo match for "BRELWICK.COM".'),
    ("com", 'Usage exceeded\nNo match for "BRELWICK.COM".'),
    ("com", 'Request limit: exceeded. No match for "BRELWICK.COM".'),
    ("com", '[Rate limited] No match for "BRELWICK.COM".'),
    ("com", 'ratelimit exceeded\nNo match for "BRELWICK.COM".'),
    ("com", 'No match for "BRELWICK.COM".\nrate_limit: exceeded'),
    ("com", 'No match for "BRELWICK.COM".\nLimit: exceeded'),
    ("com", 'No match for "BRELWICK.COM".\nQuota: exceeded'),
    ("com", 'No match for "BRELWICK.COM".\nQueries left: 0'),
    ("com", 'No match for "BRELWICK.COM".\nComment: throttled'),
    ("com", 'No match for "BRELWICK.COM".\nremarks: your IP is limited to 1 query per minute'),
    ("com", 'No match for "BRELWICK.COM".\n429'),
    ("com", 'No match for "BRELWICK.COM".\nError 503'),
    ("com", 'ERROR 429: No match for "BRELWICK.COM".'),
    ("com", '503 No match for "BRELWICK.COM".'),
    (
        "com",
        "Please note: queries from your network have been limited; this reply may be incomplete. No match for brelwick.com.",
    ),
    (
        "com",
        "Please note: due to the high number of requests from your network you will not be served before 12:00.\nNo match for brelwick.com",
    ),
    ("com", "Kindly reduce your request rate. No match for brelwick.com"),
    ("com", "Kindly note that you exceeded our fair use policy. No match for brelwick.com"),
    (
        "com",
        "For reasons of fairness your queries are answered with delay. The limit of the day was surpassed. No match for brelwick.com",
    ),
    (
        "com",
        "The use of this service is limited to 50 queries a day, which you have passed.\nNo match for brelwick.com",
    ),
    (
        "com",
        "NOTICE: The expiration date displayed in this record is the date the registrar's sponsorship of the domain name registration in the registry is currently set to expire. Query limit exceeded. No match for brelwick.com",
    ),
    (
        "com",
        "No match for brelwick.com\n\n% Dear user, you may query this database 20 times a minute. You have queried it 21 times.",
    ),
    ("com", "No match for brelwick.com\n\nTerms: your use is subject to limits. Limit status: EXCEEDED"),
    ("com", "Interval between queries too short. no match"),
    ("com", "No match. Access to this TLD is not permitted from your location."),
    ("com", "Access from your country is not allowed. No match."),
    ("com", "Not found, possibly because the database is being reloaded"),
    ("com", "Database is being synchronised. Not found."),
    ("com", "Database is read-only/being updated. Not found."),
    ("com", "Fehler: Datenbank nicht erreichbar. Nicht gefunden"),
    ("com", "Error de conexion con la base de datos. No encontrado"),
    ("com", "Erreur interne du serveur. Introuvable."),
    ("com", "Serveur en maintenance. Introuvable."),
    ("com", "Servizio temporaneamente non disponibile. Non trovato."),
    ("com", "Serviço indisponível. Não encontrado."),
    ("com", "Dienst vorübergehend nicht verfügbar. Nicht gefunden"),
    ("com", "Сервис временно недоступен. Домен не найден."),
    ("com", "Технические работы. Домен не найден"),
    ("com", "系统维护中。未找到该域名"),
    ("com", "サーバーはメンテナンス中です。該当するデータがありません"),
    ("com", "Brak dostepu. Nie znaleziono domeny"),
    ("com", "Usługa chwilowo niedostępna. Nie znaleziono domeny"),
    ("com", "Tjänsten är inte tillgänglig just nu. Domän saknas"),
    ("com", "Tjenesten er midlertidig utilgængelig. Domenet finnes ikke"),
    ("com", "Palvelu ei ole käytettävissä. ei löytynyt"),
    ("com", "Service momentanément indisponible. NOT FOUND"),
    ("com", "Accès refusé. NOT FOUND"),
    ("com", "Zugriff verweigert. nicht gefunden"),
    ("com", "Acceso denegado. No encontrado"),
    ("com", "Acesso negado. Não encontrado"),
    ("com", "Accesso negato. Non trovato"),
    ("com", "Доступ запрещен. Не найдено"),
    ("com", "Přístup odepřen. Nenalezeno. NOT FOUND"),
    ("com", "Odmowa dostępu. NOT FOUND"),
    ("com", "Erişim engellendi. NOT FOUND"),
    ("com", "Please wait a while and try again."),
    ("com", "WHOIS server is currently closed for maintenance. Domain not found."),
    (
        "com",
        '% Your IP address has been temporarily blocked due to excessive querying\n\nNo match for domain "BRELWICK.COM"',
    ),
    ("com", "Error: connection to the database failed. No match"),
    ("net", "Whois Server Version 2.0\n\nServer Busy, try again later"),
    ("no", "% Access denied due to too many requests\n% No match"),
    ("hk", "Domain Not Found\nError code: 503"),
    ("lv", "Limit exceeded\n[Domain]\nDomain: brelwick.lv\nStatus: free"),
    ("lv", "[Domain]\nDomain: brelwick.lv\nStatus: free\n\n[Whois]\nUpdated: 2026-11-22\n% Limit exceeded"),
    ("ee", "Domain not found\nError: query limit"),
    ("pl", "%% request limit exceeded\n\nNo information available about domain name brelwick.pl"),
    (
        "eu",
        "% WHOIS brelwick.eu\n\nDomain: brelwick.eu\nStatus: AVAILABLE\n\n-1: Still in grace period, wait 3 seconds",
    ),
    ("be", "Domain:\tbrelwick.be\nStatus:\tAVAILABLE\n\n% Excessive querying, grace period of 60 seconds"),
    ("be", "Domain:\tbrelwick.be\nStatus:\tTHROTTLED"),
    ("se", 'domain "brelwick.se" not found.\n# rate limit: 0 queries left'),
    (
        "uk",
        'No match for "brelwick.uk".\n\n    This domain name has not been registered.\n\n    The WHOIS query quota for 203.0.113.9 has been exceeded',
    ),
    (
        "de",
        "Domain: brelwick.de\nStatus: free\n% Error: 55000000002 Connection refused; access control limit reached",
    ),
    ("nl", "brelwick.nl is free\nLimit reached"),
    (
        "ch",
        "We do not have an entry in our database matching your query.\nRequests of this client are not permitted.",
    ),
    ("at", "% Quota exceeded\n\n% nothing found"),
    ("fr", "%% NOT FOUND\n%% Too many requests..."),
    ("it", "Domain: brelwick.it\nStatus: AVAILABLE\n\nRequest limit reached"),
    ("dk", "No entries found for the selected source.\n# Too many queries"),
    ("br", "% No match for brelwick.br\n% Query rate limit exceeded"),
    (
        "tr",
        'No match found for "brelwick.tr"\nYour query limit is exceeded. Your query limit will be reset in 1 hour',
    ),
    ("th", "% No match for brelwick.th\n% You have reached your query limit"),
    ("kr", "The requested domain was not found in the Registry\nThe number of your queries today exceeded the limit"),
    ("jp", "No match!!\nToo many accesses. Access is temporarily restricted"),
    ("cn", "No matching record.\nthe number of queries is too frequent"),
    ("ru", "No entries found for the selected source(s).\nYou have exceeded the allowed connection rate"),
    ("in", "NOT FOUND\nWHOIS LIMIT EXCEEDED - SEE https://registry.test"),
    ("me", "NOT FOUND\nYour access has been limited"),
    ("xyz", "The queried object does not exist: rate limit exceeded"),
    ("xyz", "The queried object does not exist: too many requests"),
    ("xyz", "The queried object does not exist: system error"),
    ("club", "No Data Found\nserver: maintenance window"),
    ("co", "No Data Found. Reason: timeout"),
    ("io", "Domain not found. Service degraded"),
    ("za", "Available\nWHOIS quota depleted"),
    ("nz", "Not found: brelwick.nz\n% Quota for this address is exhausted"),
    ("ca", "Not found: brelwick.ca\n% Too many requests from this address"),
    ("mx", "Object_Not_Found\n% Limite de consultas excedido"),
    ("com", "NOT FOUND (cached result, upstream refused)"),
    ("com", 'No match for "BRELWICK.COM" (limit)'),
    ("com", 'No match for "BRELWICK.COM": access denied'),
    ("com", 'No match for "BRELWICK.COM" due to technical difficulties'),
    ("com", 'Technical problems. No match for "BRELWICK.COM"'),
    ("com", 'Due to technical difficulties the lookup could not be done.\nNo match for "BRELWICK.COM"'),
    ("com", 'Sorry for the inconvenience, we are upgrading.\nNo match for "BRELWICK.COM"'),
    ("com", 'We are performing an upgrade of our systems.\nNo match for "BRELWICK.COM"'),
    ("com", 'The WHOIS service has moved. No match for "BRELWICK.COM"'),
    ("com", "This WHOIS service is no longer provided. Not found."),
    ("com", "WHOIS has been sunset; use RDAP.\nNot found."),
    ("com", "This service was shut down on 2025-01-28.\nNo match for domain."),
    ("com", "Port 43 is closed. Domain not found"),
    ("com", "End of service. NOT FOUND"),
    ("com", "This server has been retired. NOT FOUND"),
    ("com", "Deprecated service\nNOT FOUND"),
    ("com", "Test system - data not real\nNOT FOUND"),
    ("com", "OT&E environment\nNOT FOUND"),
)

TERMS = (
    "Access to the service is rate limited. For more information, visit the registry's pages.",
    "The number of connections is limited.",
    "Please note that the query limit is 500 per day from the same IP address.",
    "This server limits the number of requests per IP address.",
    "** Whois limit is 30 per minute.",
    "A maximum of 15 queries per minute can be made by each registered IP address.",
    "We may restrict or terminate your access to the database for failure to abide by these terms.",
    "Data is displayed with a delay not exceeding 15 minutes in relation to the registry system",
    "% Hello 203.0.113.9. Your session has been logged.",
    "Quedando absolutamente prohibido su uso para otros fines.",
    "Abuse is monitored and actions in contravention of these terms\nwill result in being permanently blacklisted.",
)
"""What servers tell everybody: no sign that something went wrong."""


@pytest.mark.parametrize("name", ["brelwick.{}", ".{}"])
@pytest.mark.parametrize(("tld", "text"), FAULTS)
def test_a_fault_beside_it_frees_no_name(tld: str, text: str, name: str) -> None:
    assert parse_whois(text, name.format(tld), NOW).outcome is Outcome.ERROR


@pytest.mark.parametrize("terms", TERMS)
def test_terms_of_use_take_nothing_away(terms: str) -> None:
    for text in (f"{terms}\n\nNo match for brelwick.zz\n", f"No match for brelwick.zz\n\n{terms}\n"):
        assert parse_whois(text, "brelwick.zz", NOW).outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    "text",
    [
        'No match for "TORVALE.NET".',
        'No match for "TORVALE".',
        "Domain not found: torvale.org",
        "% WHOIS torvale.com\nStatus: AVAILABLE",
        "Domain Name: brelwick.com\nNo match for torvale.com",
        "query: torvale.com\n\nThe requested domain was not found.",
    ],
)
def test_another_name_is_not_the_asked_one(text: str) -> None:
    assert parse_whois(text, "brelwick.com", NOW).error is ErrorKind.WRONG_DOMAIN


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("No match for torvale.com", Outcome.NOT_FOUND),
        ("No match for torvale.net", Outcome.ERROR),
        ("Domain Name: brelwick.com\nNo match for torvale.com", Outcome.ERROR),
        ("domain: COM\nstatus: ACTIVE\nnserver: a.nic.test\ncreated: 1985-01-01", Outcome.ERROR),
    ],
)
def test_where_only_the_tld_is_known_a_reply_must_not_belie_itself(text: str, outcome: Outcome) -> None:
    assert parse_whois(text, ".com", NOW).outcome is outcome


@pytest.mark.parametrize("aside", ["Not found. See https://www.registry.test/help", "No entries in whois.nic.zz"])
def test_a_server_named_beside_is_no_subject(aside: str) -> None:
    assert parse_whois(aside, "brelwick.zz", NOW).outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    "piece", ["( https://x", "error http://", "limit ", "you have ", "query was ", 'for "a-', "exceed "]
)
def test_a_hostile_reply_is_read_in_no_time(piece: str) -> None:
    text = "No match for brelwick.com\n\n" + (piece * (900 // len(piece)) + "\n") * 60
    started = time.process_time()
    assert parse_whois(text, "brelwick.com", NOW).error is not ErrorKind.WRONG_DOMAIN
    assert time.process_time() - started < 2
