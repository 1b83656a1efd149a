"""What notify is told by its environment, besides what all services are told."""

from pydantic import Field, SecretStr, field_validator

from services.notify.channels.mail_message import checked_address
from services.notify.channels.outbound import Allowance
from services.notify.channels.smtp import SmtpServer
from services.notify.sender import SenderSettings
from shared.settings import ServiceSettings


class NotifySettings(ServiceSettings):
    """Settings of notify: `MOAT_SMTP_URL` or `MOAT_NOTIFY_SMTP_URL`, and so on. Seconds are real time."""

    smtp_url: SecretStr | None = Field(
        default=None, description="smtp://[user:password@]host[:port] or smtps://…; none: mail is not set up."
    )
    mail_from: str = Field(default="moat@localhost", description="Sender of mails.")
    mail_from_name: str = Field(default="Moat", max_length=100)
    public_url: str | None = Field(
        default=None, description="Where recipients reach this service, for links; else its own host and port."
    )
    allowed_private_hosts: str = Field(
        default="", description="Private hosts that webhooks may reach: names, addresses, networks, with commas."
    )
    ack_days: int = Field(default=7, ge=1, le=90, description="Days for which an acknowledgement link is good.")
    smtp_connections: int = Field(default=16, ge=1, le=64)
    webhook_connections: int = Field(default=64, ge=1, le=512)
    send_concurrency: int = Field(default=128, ge=1, le=1024)
    send_timeout: float = Field(default=20.0, gt=0, le=120)
    lease_seconds: float = Field(
        default=30.0, gt=0, le=600, description="When a sender has said nothing for so long, it counts as dead."
    )
    retry_haste: float = Field(default=1.0, gt=0, description="Divides the pauses between tries, for drills and tests.")

    @field_validator("smtp_url")
    @classmethod
    def _a_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        SmtpServer.from_url(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _an_address(cls, value: str) -> str:
        return checked_address(value)

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// or http://")
        return value

    @property
    def smtp_server(self) -> SmtpServer | None:
        """Where mail is handed over, if mail is set up."""
        return None if self.smtp_url is None else SmtpServer.from_url(self.smtp_url.get_secret_value())

    @property
    def allowance(self) -> Allowance:
        return Allowance.parse(self.allowed_private_hosts)

    @property
    def try_seconds(self) -> float:
        """The longest that one try may take: a lease must outlive it, or a live sender would count as dead."""
        return min(self.send_timeout, self.lease_seconds * 0.7)

    @property
    def sender(self) -> SenderSettings:
        """The sender's share of these settings."""
        return SenderSettings(
            public_url=(self.public_url or f"http://{self.host}:{self.port}").rstrip("/"),
            ack_days=self.ack_days,
            concurrency=self.send_concurrency,
            lease_seconds=self.lease_seconds,
            finish_seconds=max(1.0, self.shutdown_seconds - 2),
            haste=self.retry_haste,
        )
