"""What a kafka:// url says."""

import ssl
import subprocess
from pathlib import Path

import pytest

from shared.bus.kafka.address import KafkaAddress

PASSWORD = {"MOAT_KAFKA_SASL_PASSWORD": "s3cret"}


def parse(url: str, **environment: str) -> KafkaAddress:
    return KafkaAddress.parse(url, client_id="crisis-1", environment=environment)


def test_hosts_are_listed_and_get_the_usual_port():
    assert parse("kafka://one:9093,two,[::1]:9094").bootstrap == ("one:9093", "two:9092", "[::1]:9094")


def test_a_plain_url_asks_for_no_security():
    assert parse("kafka://one").client() == {
        "bootstrap_servers": ["one:9092"],
        "client_id": "crisis-1",
        "retry_backoff_ms": 100,
        "security_protocol": "PLAINTEXT",
    }


def test_scram_over_tls_takes_the_password_from_the_environment():
    client = parse("kafka://moat@one?security_protocol=SASL_SSL&sasl_mechanism=SCRAM-SHA-256", **PASSWORD).client()

    assert (client["sasl_mechanism"], client["sasl_plain_username"]) == ("SCRAM-SHA-256", "moat")
    assert client["sasl_plain_password"] == "s3cret"
    assert client["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert client["ssl_context"].check_hostname


def test_a_secret_may_stand_in_a_file(tmp_path: Path):
    (tmp_path / "password").write_text("from-file\n")

    address = parse(
        "kafka://moat@one?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN",
        MOAT_KAFKA_SASL_PASSWORD_FILE=str(tmp_path / "password"),
    )

    assert address.client()["sasl_plain_password"] == "from-file"


async def test_an_oauth_token_is_read_anew_each_time(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("first")
    url = "kafka://one?security_protocol=SASL_SSL&sasl_mechanism=OAUTHBEARER"
    provider = parse(url, MOAT_KAFKA_OAUTH_TOKEN_FILE=str(token)).client()["sasl_oauth_token_provider"]

    assert await provider.token() == "first"
    token.write_text("second")
    assert await provider.token() == "second"


def test_tls_reads_the_files_of_the_url(tmp_path: Path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=kafka",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )

    address = parse(
        f"kafka://one?security_protocol=SSL&ssl_cafile={certificate}&ssl_certfile={certificate}&ssl_keyfile={key}"
    )

    assert address.client()["ssl_context"].get_ca_certs()[0]["subject"] == ((("commonName", "kafka"),),)


def test_what_is_printed_holds_no_secret():
    address = parse("kafka://moat@one?security_protocol=SASL_SSL", **PASSWORD)

    assert "s3cret" not in repr(address) + str(address)


def test_settings_of_ours_are_read():
    address = parse(
        "kafka://one?session_timeout_ms=6000&replication_factor=3&compression_type=none&group_instance_id=a-0"
    )

    assert (address.session_timeout_ms, address.replication_factor) == (6000, 3)
    assert (address.compression_type, address.group_instance_id) == (None, "a-0")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("kafka://", "needs a host"),
        ("kafka://moat:s3cret@one", "must not hold a password: put it into MOAT_KAFKA_SASL_PASSWORD"),
        ("kafka://one?acks=1", "no option 'acks'"),
        ("kafka://one?security_protocol=TLS", "security_protocol must be one of PLAINTEXT, SSL"),
        ("kafka://one?security_protocol=SASL_SSL&sasl_mechanism=GSSAPI", "sasl_mechanism must be one of PLAIN"),
        ("kafka://one?security_protocol=SASL_SSL", "needs a user"),
        (
            "kafka://moat@one?security_protocol=SASL_SSL",
            "needs MOAT_KAFKA_SASL_PASSWORD, or MOAT_KAFKA_SASL_PASSWORD_FILE",
        ),
        ("kafka://one?security_protocol=SSL&ssl_cafile=/nowhere/ca.pem", "ssl_cafile=/nowhere/ca.pem"),
        ("kafka://one?compression_type=best", "compression_type must be one of"),
        ("kafka://one?session_timeout_ms=soon", "session_timeout_ms of the kafka:// url must be a number"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_with_what_is_wrong(url: str, sentence: str):
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")) as refused:
        parse(url)

    assert "s3cret" not in str(refused.value)
