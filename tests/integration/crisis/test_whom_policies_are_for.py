"""Which policy is for a case: by class, type, severity, segment, channel and regime, the first that matches."""

from datetime import timedelta

import pytest

from tests.support.crisis import MONDAY, a_complaint, a_mention, a_snapshot, activate


async def promise(crisis, key, order, hours, **applies):
    body = {"order": order, "applies": applies, "targets": {"resolution": {"elapsed": f"PT{hours}H"}}}
    await activate(crisis, "sla-policies", key, body)


async def policy_of(crisis, customer):
    case = await crisis.case_of(customer)
    return (await crisis.clocks(case["id"]))["resolution"]["policy"]


async def test_segment_channel_and_regime_choose_among_policies_in_their_order(crisis):
    await promise(crisis, "law", 1, 30, regime=["uk-fca-disp", "ie-cpc"])
    await promise(crisis, "regulator", 2, 20, channel="regulator")
    await promise(crisis, "makers-by-phone", 3, 10, segment="manufacturing", channel=["hotline", "visit"])
    customers = [f"C-{n}" for n in range(1, 7)]
    await crisis.deliver(*(a_snapshot(id_) for id_ in customers[:5]), a_snapshot("C-6", segment="retail"))

    await crisis.deliver(
        a_complaint("C-1", regulated="ie-cpc", channel="regulator"),
        a_complaint("C-2", channel="regulator"),
        a_complaint("C-3", channel="hotline"),
        a_complaint("C-4", channel="web"),
        a_mention("C-5", platform="hotline"),
        a_complaint("C-6", channel="hotline"),
    )

    served = [await policy_of(crisis, id_) for id_ in customers]
    assert served == ["law", "regulator", "makers-by-phone", "key", "makers-by-phone", "key"]
    case = await crisis.case_of("C-1")
    assert (case["segment"], case["channel"], case["regime"]) == ("manufacturing", "regulator", "ie-cpc")


async def test_a_change_of_class_asks_for_what_opened_the_case_again(crisis):
    await promise(crisis, "key-by-web", 1, 2, service_class="key", channel="web")
    await crisis.deliver(a_snapshot("C-1", "standard"), a_complaint("C-1", channel="web"))
    assert await policy_of(crisis, "C-1") == "standard"

    await crisis.after(hours=1)
    later = MONDAY + timedelta(hours=1)
    await crisis.deliver(a_complaint("C-1", channel="hotline", at=later), a_snapshot("C-1", "key", version=2, at=later))

    assert await policy_of(crisis, "C-1") == "key-by-web"


@pytest.mark.parametrize(
    ("applies", "pointer", "rule"),
    [
        ({"service_class": "gold"}, "/applies/service_class", "choice"),
        ({"service_class": ["key", "gold"]}, "/applies/service_class/1", "choice"),
        ({"channel": ["hotline", ""]}, "/applies/channel/1", "length"),
        ({"segment": 7}, "/applies/segment", "type"),
        ({"colour": "red"}, "/applies/colour", "unknown-field"),
    ],
)
async def test_a_condition_that_nobody_reads_is_refused_at_its_place(crisis, applies, pointer, rule):
    body = {"applies": applies, "targets": {"resolution": {"elapsed": "PT1H"}}}

    answer = await crisis.client.post("/v1/sla-policies/odd/validate", json=body)

    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [(pointer, rule)]
