"""A local stand-in for the outside world: domains that live, lapse and change hands on a movable clock.

It answers as Fastly Domain Research, Domainr, RDAP, DNS and WHOIS do, on the loopback interface only. What it
answers is a pure function of a domain's spec and the domain time (`states.state_at`), so a demo, a test and a
benchmark can all say beforehand what should have been found.
"""
