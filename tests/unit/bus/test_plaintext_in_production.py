"""Production refuses a Kafka whose traffic anybody on the network can read and change, unless that is stated."""

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from services.cli import app
from services.crisis.settings import CrisisSettings
from shared.bus.kafka.address import KafkaAddress
from shared.bus.open import travels_in_the_clear

PLAIN = "kafka://broker:9092"
OPEN = [PLAIN, f"{PLAIN}?security_protocol=PLAINTEXT", "kafka://u@b?security_protocol=SASL_PLAINTEXT&stall_seconds=9"]
SECURED = [f"{PLAIN}?security_protocol=SSL", "kafka://u@b?sasl_mechanism=PLAIN&security_protocol=SASL_SSL"]
EMBEDDED = "postgresql://moat@db/moat_bus"


def settings(bus_url, **given):
    return CrisisSettings(database_url="postgresql://moat@db/moat_crisis", bus_url=bus_url, **given)


@pytest.mark.parametrize("url", OPEN)
def test_production_refuses_a_kafka_without_tls(url):
    with pytest.raises(ValidationError, match="security_protocol=SASL_SSL"):
        settings(url, profile="production")


@pytest.mark.parametrize("url", [*SECURED, EMBEDDED])
def test_production_takes_a_bus_with_tls_and_the_embedded_one(url):
    assert settings(url, profile="production").bus_url.get_secret_value() == url


@pytest.mark.parametrize("url", OPEN)
def test_production_takes_a_kafka_without_tls_where_that_is_stated(url):
    assert settings(url, profile="production", allow_plaintext_kafka=True).allow_plaintext_kafka


@pytest.mark.parametrize("profile", ["local", "test"])
def test_elsewhere_nothing_has_to_be_stated(profile):
    assert not settings(PLAIN, profile=profile).allow_plaintext_kafka


@pytest.mark.parametrize("url", [*OPEN, *SECURED])
def test_it_is_told_from_the_url_as_the_client_is_told(url):
    client = KafkaAddress.parse(url, client_id="t", environment={"MOAT_KAFKA_SASL_PASSWORD": "s3cret"}).client()

    assert travels_in_the_clear(url) == client["security_protocol"].endswith("PLAINTEXT")


def test_a_service_that_is_refused_says_in_one_sentence_what_to_do_and_does_not_start(monkeypatch):
    for name, value in {"PROFILE": "production", "BUS_URL": PLAIN, "DATABASE_URL": "postgresql://moat@db/c"}.items():
        monkeypatch.setenv(f"MOAT_{name}", value)

    done = CliRunner().invoke(app, ["serve", "crisis"])

    assert done.exit_code == 2
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(
        "moat: MOAT_ALLOW_PLAINTEXT_KAFKA (or MOAT_CRISIS_ALLOW_PLAINTEXT_KAFKA): the production"
    )
    assert "security_protocol=SASL_SSL" in sentence
