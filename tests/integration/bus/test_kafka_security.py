"""TLS and SASL against a broker that demands both."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from deploy.kafka.broker import LocalKafka
from shared.bus.kafka import KafkaBus
from shared.bus.port import BusUnavailable, Record, TopicSpec
from tests.support.bus import take
from tests.support.kafka import started
from tests.support.postgres import free_port

pytestmark = pytest.mark.kafka
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, and beside it key.pem."""
    path = tmp_path_factory.mktemp("certificate") / "cert.pem"
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
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            path.with_name("key.pem"),
            "-out",
            path,
        ],
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture(scope="module")
def secure_port(request, tmp_path_factory: pytest.TempPathFactory, certificate: Path):
    """The port of a broker's SASL_SSL listener."""
    keystore = certificate.with_name("keystore.pem")
    keystore.write_text(certificate.with_name("key.pem").read_text() + certificate.read_text())
    plain, secure, controller = free_port(), free_port(), free_port()
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    broker = started(request.config, tmp_path_factory.mktemp("secure-kafka"), port=plain, properties={
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secure}",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{login} required user_moat="{PASSWORD}";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
    })  # fmt: skip
    yield secure
    assert isinstance(broker, LocalKafka)
    broker.kill()


@pytest.fixture(autouse=True)
async def _every_connection_ends():
    """Let the broker say goodbye: TLS ends with its answer, for which a client that was refused does not wait."""
    yield
    sockets = asyncio.get_running_loop()._selector.get_map()
    async with asyncio.timeout(60):
        while len(sockets) > 1:  # the loop's own
            await asyncio.sleep(0.01)


async def test_records_flow_over_tls_with_a_password_and_not_with_a_wrong_one(
    secure_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch, capfd, caplog
):
    url = (
        f"kafka://moat@127.0.0.1:{secure_port}?security_protocol=SASL_SSL&sasl_mechanism=PLAIN&ssl_cafile={certificate}"
    )
    monkeypatch.setenv("MOAT_KAFKA_SASL_PASSWORD", PASSWORD)
    bus = await KafkaBus.open(url, client_id="secure")
    await bus.ensure_topics([TopicSpec("test.secure")])
    await bus.publish([Record("test.secure", b"k", b"v")])
    subscription = await bus.subscribe("secure", ["test.secure"])
    assert [record.value for record in await take(subscription, 1)] == [b"v"]
    await subscription.close()
    await bus.close()

    monkeypatch.setenv("MOAT_KAFKA_SASL_PASSWORD", "wrong horse")
    with pytest.raises(BusUnavailable) as refused:
        await KafkaBus.open(url, client_id="secure")
    said = str(refused.value) + caplog.text + "".join(capfd.readouterr())
    assert "wrong horse" not in said
    assert PASSWORD not in said


async def test_a_broker_whose_certificate_is_not_trusted_is_not_spoken_to(secure_port: int, monkeypatch):
    monkeypatch.setenv("MOAT_KAFKA_SASL_PASSWORD", PASSWORD)

    with pytest.raises(BusUnavailable):
        await KafkaBus.open(
            f"kafka://moat@127.0.0.1:{secure_port}?security_protocol=SASL_SSL&sasl_mechanism=PLAIN", client_id="secure"
        )
