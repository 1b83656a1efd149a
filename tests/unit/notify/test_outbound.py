"""Where webhooks may go: a table of tricks, and what is let through."""

import ipaddress

import pytest
from aiohttp.abc import AbstractResolver

from services.notify.channels.outbound import Allowance, Forbidden, GuardedResolver, checked_url, is_public
from services.notify.channels.port import InvalidAddress

NOTHING = Allowance.parse("")

REFUSED_URLS = [
    "http://hooks.example.com/x",  # not encrypted
    "ftp://hooks.example.com/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "//hooks.example.com/x",
    "https://",
    "https:///x",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fec0::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::]/",
    "https://[ff02::1]/",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com/x y",
    "https://hooks.example.com/\r\nHost: x",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:0/",
    "https://hooks。example。com/",
    "https://" + "a" * 3000 + ".example.com/",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_could_reach_inside_is_refused(url):
    with pytest.raises(InvalidAddress):
        checked_url(url, NOTHING)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x", "https://93.184.216.34:8443/x?y=z", "https://[2606:2800:220:1::1]/"]
)
def test_the_open_internet_is_allowed(url):
    assert checked_url(url, NOTHING) == url


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("hooks.internal", "http://hooks.internal:8080/x"),
        ("hooks.internal", "https://HOOKS.internal./x"),
        ("127.0.0.1", "http://127.0.0.1:9000/"),
        ("10.20.0.0/16", "https://10.20.3.4/"),
        ("fd00::/8", "https://[fd12::1]/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_private_hosts_that_an_operator_names_are_allowed(allowed, url):
    assert checked_url(url, Allowance.parse(f"other.internal, {allowed}"))


def test_allowing_one_private_network_allows_no_other():
    with pytest.raises(InvalidAddress):
        checked_url("https://10.21.0.1/", Allowance.parse("10.20.0.0/16"))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("8.8.8.8", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("100.64.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(ipaddress.ip_address(address)) is public


class _Answers(AbstractResolver):
    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.asked = 0

    async def resolve(self, host, port=0, family=0):
        self.asked += 1
        return [
            {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
            for address in self.hosts
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("found", [("10.0.0.1",), ("93.184.216.34", "127.0.0.1"), ("::1",), ("169.254.169.254",)])
async def test_a_name_that_leads_inside_is_refused_even_if_only_one_of_its_addresses_does(found):
    with pytest.raises(Forbidden):
        await GuardedResolver(NOTHING, _Answers(*found)).resolve("rebind.example.com", 443)


async def test_what_is_connected_to_is_what_was_judged():
    inner = _Answers("93.184.216.34")
    results = await GuardedResolver(NOTHING, inner).resolve("hooks.example.com", 443)

    assert [result["host"] for result in results] == ["93.184.216.34"]
    assert inner.asked == 1


async def test_an_allowed_name_may_lead_inside():
    results = await GuardedResolver(Allowance.parse("hooks.internal"), _Answers("10.0.0.1")).resolve("hooks.internal")

    assert [result["host"] for result in results] == ["10.0.0.1"]
