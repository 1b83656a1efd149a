"""Simulating over HTTP: what is wrong with a request is a problem that says where and why."""

OPENED = "2026-11-02T01:00:00Z"
RARE = {"key": "rare", "zone": "UTC", "exceptions": [{"date": "2026-11-03", "windows": ["09:00-17:00"]}]}


def request(target):
    return {
        "policy": {"key": "p", "targets": {"t": target}},
        "calendars": [RARE],
        "events": [{"at": OPENED, "type": "start"}],
        "until": OPENED,
    }


async def test_a_target_that_is_never_reached_is_a_problem_of_its_own(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"business": "PT9H", "calendar": "rare"}))

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreachable-target")
    assert answer.json()["errors"][0]["pointer"] == "/policy/targets/t"


async def test_a_request_that_breaks_a_rule_is_refused_with_its_place(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"elapsed": "P1D"}))

    assert answer.status_code == 422
    assert [(one["pointer"], one["rule"]) for one in answer.json()["errors"]] == [
        ("/policy/targets/t/elapsed", "time-units")
    ]


async def test_a_simulation_answers_with_every_clock(crisis):
    answer = await crisis.client.post("/v1/sla/simulate", json=request({"business": "PT8H", "calendar": "rare"}))

    assert [clock["due_at"] for clock in answer.json()["clocks"]] == ["2026-11-03T17:00:00Z"]


async def test_each_example_of_the_documentation_runs_and_says_what_its_words_say(crisis):
    document = (await crisis.client.get("/openapi.json")).json()
    body = document["paths"]["/v1/sla/simulate"]["post"]["requestBody"]["content"]["application/json"]
    answers = {}
    for name, example in body["examples"].items():
        answer = await crisis.client.post("/v1/sla/simulate", json=example["value"])
        answers[name] = [(clock["cycle"], clock["result"], clock["due_at"]) for clock in answer.json()["clocks"]]

    assert answers == {
        "office hours": [(1, "open", "2026-03-02T05:00:00Z")],
        "keep": [(1, "open", "2026-03-02T10:00:00Z")],
        "retarget_from_start": [(1, "open", "2026-03-02T04:00:00Z")],
        "restart_now": [(1, "cancelled", "2026-03-02T10:00:00Z"), (2, "open", "2026-03-02T06:00:00Z")],
        "prorate": [(1, "open", "2026-03-02T05:12:00Z")],
        "tighten_only": [(1, "open", "2026-03-02T04:00:00Z")],
    }
    for name, clocks in answers.items():
        assert clocks[-1][2][11:16] in body["examples"][name].get("description", "05:00")
