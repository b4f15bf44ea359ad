"""Whatever is sent to the API, the answer is one that its description declares, and never a 500."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from experiments.answers import questions_of
from experiments.server import make_app
from tests.small_study import make_study

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
from schemathesis.checks import (  # noqa: E402
    not_a_server_error,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.generation import GenerationMode  # noqa: E402

TOO_LARGE = 413
ADDRESSES = ("start", "resume", "answers", "complete", "withdraw")
QUICK = settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate],
                 suppress_health_check=list(HealthCheck))  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("fuzzed") / "study", pictures=False)
    app = make_app(study, "simulation")
    app.state.reception.admit("one", {})  # before strangers take every place
    return app


@pytest.fixture(scope="module")
def api(app):
    """The app's own description, which it serves nobody."""
    described = schemathesis.openapi.from_dict(json.loads(json.dumps(app.openapi())))
    described.app = app
    return described


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_stranger_gets_only_declared_answers(api, address, mode):
    @QUICK
    @given(api[f"/api/{address}"]["POST"].as_strategy(generation_mode=mode))
    def send(case):
        response = case.call()
        if response.status_code != TOO_LARGE:  # the guard does not read what is in it
            # what the description allows may still not fit the question that was asked
            case.validate_response(response, excluded_checks=[positive_data_acceptance])

    send()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("address", ADDRESSES[1:])
def test_so_does_a_participant_who_answers_anything(app, api, address, mode):
    """The same with a token that is good and, half of the time, questions that exist."""
    desk = app.state.reception
    names = [*questions_of(desk.protocol, desk.plan.trials[1][1]), "remarks", "aids", "sure"]

    @QUICK
    @given(api[f"/api/{address}"]["POST"].as_strategy(generation_mode=mode),
           st.lists(st.sampled_from(names), min_size=20, max_size=20), st.booleans())  # fmt: skip
    def send(case, questions, known):
        body = case.body
        if isinstance(body, dict) and isinstance(body.get("token"), str):
            body["token"] = desk.admit("one", {}).token
            said = body.get("answers")
            if known and isinstance(said, list):
                for one, name in zip(said, questions, strict=False):
                    if isinstance(one, dict) and "question" in one:
                        one["question"] = name
        case.call_and_validate(checks=[not_a_server_error, status_code_conformance,
                                       response_schema_conformance])  # fmt: skip

    send()
