import asyncio
import socket

import pytest

from gradclinic.kernel.errors import InvalidSpec
from gradclinic.use_cases.alerts import target
from gradclinic.use_cases.alerts.target import NoTarget, check_url, is_public, resolve

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "2002:7f00:1::",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "fec0::1", "100::1", "no address",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_within_a_network_is_not_public_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://example.org/", "only sent by https"),
        ("ftp://example.org/", "only sent by https"),
        ("https://", "no host"),
        ("https://user:password@example.org/", "user name"),
        ("https://example.org/#x", "fragment"),
        ("https://example.org:99999/", "wrong port"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]:8443/", "private"),
        ("https://127.1/", "private"),
        ("https://2130706433/", "private"),
        ("https://0x7f000001/", "private"),
        ("https://0/", "private"),
        ("https://xn--/", "no URL"),
        ("https://xn--zzzzzz99999/", "no URL"),
        ("https://127.0.0.1\\.example.org/", "no host name"),
        ("https://%6cocalhost/", "no host name"),
        ("https://127%2e0.0.1/", "no host name"),
        ("https://example.org%00.x/", "no host name"),
        ("https://a..b/", "no host name"),
        (f"https://{'a' * 64}.org/", "no host name"),
        (f"https://{'a.' * 200}org/", "no host name"),
        ("https://localhost/", "private"),
        ("https://a.localhost./", "private"),
    ],
)
def test_an_url_that_nothing_may_be_sent_to_is_refused_without_showing_it(url: str, place: str) -> None:
    with pytest.raises(InvalidSpec, match=place) as caught:
        check_url(url, private=False)
    assert "password" not in str(caught.value.problems)


def test_a_setting_allows_private_addresses_and_http() -> None:
    check_url("http://127.0.0.1:8080/hook", private=True)
    check_url("http://[::1]:8080/hook", private=True)
    check_url("http://hooks_of_a-team:8080/hook", private=True)
    check_url("https://xn--bcher-kva.example./hook", private=False)
    check_url("https://example.org:8443/hook?key=x", private=False)


def test_a_name_is_refused_if_any_of_its_addresses_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked(host: str, *addresses: str, private: bool = False) -> str:
        async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        return await target.resolve(host, 443, private=private)

    assert asyncio.run(asked("example.org", "8.8.8.8", "8.8.4.4")) == "8.8.8.8"
    assert asyncio.run(asked("example.org", "10.0.0.1", private=True)) == "10.0.0.1"
    with pytest.raises(NoTarget, match="private address"):
        asyncio.run(asked("example.org", "8.8.8.8", "10.0.0.1"))
    with pytest.raises(NoTarget, match="no address"):
        asyncio.run(asked("example.org"))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "localhost"])
def test_other_ways_to_write_a_loopback_address_are_found_when_it_is_resolved(host: str) -> None:
    with pytest.raises(NoTarget):
        asyncio.run(resolve(host, 443, private=False))
