"""When the rule for `unverify` holds, and what is never more than a look."""

from __future__ import annotations

import itertools

import pytest

from tests.jobs.evidence.stories import ELSEWHERE, THROTTLED, VERISIGN, Replies
from tests.support.replies import (
    assessed,
    dns,
    domainr,
    fastly,
    free_whois,
    nxdomain,
    rdap,
    rdap_404,
    registered_whois,
    reply,
    whois,
)


class TestUnverify:
    """Two kinds of evidence, or one of the first two kinds twice at least 24 h apart, agree that it is lost."""

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap_404(), nxdomain()),
            (rdap_404(), fastly("undelegated inactive")),
            (fastly("undelegated inactive"), nxdomain()),
            (fastly("inactive"), nxdomain()),
            (domainr("undelegated inactive"), nxdomain()),
            (free_whois(), nxdomain()),
            (free_whois(), fastly("inactive")),
            (rdap("pending delete", ns=()), nxdomain()),
            (rdap("pending delete", ns=()), fastly("undelegated active deleting")),
            (fastly("marketed priced deleting"), nxdomain()),
            (fastly("undelegated inactive premium"), nxdomain()),
            (rdap_404(ago=1), rdap_404()),
            (fastly("inactive", ago=1), fastly("inactive")),
            (fastly("inactive", ago=2), domainr("inactive")),  # one kind, two days apart
            (rdap_404(ago=2), free_whois()),
            (rdap("pending delete", ago=2, ns=()), rdap_404()),  # the two phases say the same
            (rdap_404(ago=20), fastly("inactive")),  # both are current
            (fastly("inactive"), fastly("undelegated inactive", scope="estimate")),  # precise, and delegation
            (rdap_404(), nxdomain(), fastly("unknown")),  # silence contradicts nobody
            (rdap_404(), nxdomain(), reply("fastly", 0, "slow down", 429)),
            (rdap(ago=40), rdap_404(ago=2), rdap_404()),  # forty days ago it was registered: history
            (rdap_404(url=VERISIGN), nxdomain()),
            (rdap_404(url=VERISIGN.replace("example", "EXAMPLE")), nxdomain()),
            (rdap_404(url="https://rdap.verisign.com/"), nxdomain()),
        ],
    )
    def test_it_is_recommended_when_the_rule_holds(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert found["recommendation"] == "unverify"
        assert found["confidence"] == "corroborated"
        assert found["phase"] in {"pending_delete", "available"}
        assert found["holder_changed"] is not True

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap_404(),),
            (fastly("undelegated inactive"),),
            (free_whois(),),
            (rdap("pending delete", ns=()),),
            (rdap_404(ago=0.9), rdap_404()),  # twice, but not 24 hours apart
            (rdap_404(), free_whois()),  # RDAP and WHOIS are one kind
            (fastly("inactive"), domainr("undelegated inactive")),  # and so are Fastly and Domainr
            (rdap_404(ago=31), rdap_404()),  # the first is history
            (fastly("inactive", ago=2), fastly("active", ago=1), fastly("inactive")),  # it flaps
        ],
    )
    def test_a_single_reading_is_reviewed(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["recommendation"], found["confidence"]) == ("review", "single")

    @pytest.mark.parametrize(
        "replies",
        [
            (),
            (nxdomain(),),
            (nxdomain(ago=3), nxdomain()),
            (fastly("unknown"),),
            (fastly("unknown", ago=3), fastly("unknown"), nxdomain()),
            (fastly("undelegated"), nxdomain()),
            (fastly("undelegated inactive", scope="estimate"), nxdomain()),  # an estimate is delegation
            (fastly("undelegated inactive", ago=3, scope="estimate"), fastly("inactive", scope="estimate")),
            (rdap_404(ago=31), nxdomain(ago=31)),  # all of it history
            (reply("rdap", 0, None, None), nxdomain()),  # a time-out
            (reply("rdap", 0, "", None), nxdomain()),
            (reply("rdap", 1, "x", 500), reply("rdap", 0, "x", 503), nxdomain()),
            (reply("fastly", 0, "rate limited", 429), nxdomain()),
            (whois(THROTTLED), nxdomain()),
            (whois(""), nxdomain()),
            (whois(None), nxdomain()),
            (dns("SERVFAIL"),),
            (dns("TIMEOUT"), dns("REFUSED")),
            (reply("fastly", 0, {"errors": [{"code": 404, "message": "Domain not found"}]}), nxdomain()),
            (reply("rdap", 0, "<html>404</html>", 404), nxdomain()),
            (rdap_404(url=ELSEWHERE), nxdomain()),  # not the registry's server
            (rdap_404(ago=2, url=ELSEWHERE), rdap_404(url=ELSEWHERE)),
            (rdap_404(url=VERISIGN.replace("example", "mail.example")), nxdomain()),  # a host: nobody registers one
            (rdap_404(url=VERISIGN.replace("example", "other")), nxdomain()),
        ],
    )
    def test_no_answer_is_never_more_than_watched(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["phase"], found["confidence"]) == ("unknown", "insufficient")
        assert found["recommendation"] in {"none", "watch"}

    @pytest.mark.parametrize(
        "statuses",
        [
            "unknown",
            "undelegated",
            "undelegated active",
            "inactive active",
            "undelegated reserved",
            "undelegated claimed",
            "marketed priced undelegated active",
        ],
    )
    def test_status_sets_of_a_first_run_that_prove_nothing(self, statuses: str) -> None:
        for witnesses in ((), (nxdomain(),), (fastly(statuses, ago=2), nxdomain()), (domainr(statuses, ago=3),)):
            assert assessed(fastly(statuses), *witnesses)["recommendation"] != "unverify"

    @pytest.mark.parametrize("statuses", ["undelegated active", "inactive active", "undelegated reserved", "claimed"])
    def test_they_contradict_a_404_too(self, statuses: str) -> None:
        found = assessed(fastly(statuses), rdap_404(ago=2), rdap_404(), nxdomain())
        assert (found["recommendation"], found["confidence"]) == ("review", "conflicting")

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap(), fastly("undelegated inactive"), nxdomain()),
            (rdap_404(), fastly("active")),
            (rdap_404(), nxdomain(), registered_whois()),
            (rdap_404(ago=2), rdap_404(), dns()),  # still delegated
            (fastly("inactive"), domainr("active"), nxdomain()),
        ],
    )
    def test_a_conflict_is_reviewed_with_both_sides_shown(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["recommendation"], found["confidence"]) == ("review", "conflicting")
        sides = next(reason for reason in found["reasons"] if "conflict" in reason)
        assert ", but " in sides

    def test_an_error_takes_nothing_back(self) -> None:
        lost = (rdap_404(ago=1), nxdomain(ago=1))
        broken = (
            reply("rdap", 0, "oops", 502),
            dns("SERVFAIL"),
            reply("fastly", 0, None, None),
            whois("quota exceeded"),
        )
        assert assessed(*lost, *broken)["recommendation"] == "unverify"

    def test_the_newest_reading_of_a_provider_supersedes_its_older_ones(self) -> None:
        found = assessed(rdap_404(ago=5), rdap_404(ago=3), rdap())
        assert (found["phase"], found["recommendation"]) == ("active", "none")


POOL = (
    *(
        rdap(),
        rdap(registered=100),
        rdap_404(),
        rdap_404(ago=2),
        rdap("pending delete"),
        rdap("redemption period", ago=1),
    ),
    *(fastly("inactive"), fastly("unknown"), fastly("active", ago=1), domainr("deleting", ago=2), free_whois(ago=3)),
    *(nxdomain(), dns(), dns("SERVFAIL"), whois(THROTTLED), fastly("inactive", ago=4, scope="estimate")),
)


@pytest.mark.parametrize("replies", list(itertools.combinations(POOL, 3)))
def test_unverify_always_rests_on_two_witnesses_and_no_change_of_holder(replies: Replies) -> None:
    found = assessed(*replies)
    if found["recommendation"] == "unverify":
        assert found["confidence"] == "corroborated"
        assert found["holder_changed"] is not True
        assert found["phase"] in {"pending_delete", "available"}
    if found["holder_changed"] or found["confidence"] == "conflicting":
        assert found["recommendation"] == "review"
