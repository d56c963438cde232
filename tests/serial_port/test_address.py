"""Addresses of serial ports."""

from __future__ import annotations

import pytest

from edgeq_host import addresses, inventory
from edgeq_host.errors import UsageError
from edgeq_host.serial_port.address import Address, of_usb, parse


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("serial:///dev/ttyACM0", Address("/dev/ttyACM0")),
        ("serial:/dev/ttyACM0", Address("/dev/ttyACM0")),
        ("serial:COM5", Address("COM5")),
        ("serial://COM5", Address("COM5")),
        ("serial:///dev/serial/by-id/usb-STM%20Link-if02", Address("/dev/serial/by-id/usb-STM Link-if02")),
        ("serial:///dev/ttyUSB1?baud=230400", Address("/dev/ttyUSB1", baud=230400)),
        ("serial:///dev/ttyUSB1?baud=57600&fastest=115200", Address("/dev/ttyUSB1", baud=57600, fastest=115200)),
        ("serial:usb:0483:374b", Address("", "0483:374B")),
        ("serial://usb:0483:374B:066AFF55", Address("", "0483:374B", "066AFF55")),
        ("serial:usb:2E8A:000c:E6%3A1?fastest=460800", Address("", "2E8A:000C", "E6:1", fastest=460800)),
    ],
)
def test_an_address_means_one_port(typed: str, means: Address) -> None:
    canonical = addresses.canonical(typed)
    assert addresses.is_address(typed) and parse(canonical.partition(":")[2]) == means


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("serial://dev/ttyACM0", "did you mean serial:///dev/ttyACM0"),
        ("serial:ttyACM0", "a port is named as in"),
        ("serial:", "names nothing behind serial:"),
        ("serial:usb:483:374b", "four hexadecimal digits"),
        ("serial:usb:0483:374b:", "four hexadecimal digits"),
        ("serial:usb:", "four hexadecimal digits"),
        ("serial:///dev/ttyACM0?speed=5", "the options are baud and fastest"),
        ("serial:///dev/ttyACM0?baud", "a number of baud"),
        ("serial:///dev/ttyACM0?baud=115200&baud=9600", "the options are baud and fastest"),
        ("serial:///dev/ttyACM0?baud=fast", "1200 to 4000000"),
        ("serial:///dev/ttyACM0?baud=-1", "1200 to 4000000"),
        ("serial:///dev/ttyACM0?baud=٣٠٠٠٠", "1200 to 4000000"),
        ("serial:///dev/ttyACM0?baud=99999999999999999999", "1200 to 4000000"),
        ("serial:///dev/ttyACM0?", "is no option"),
        ("serial:///dev/ttyACM0?fastest=9600", "leaves a line as it is"),
        ("socket://localhost", "socket://localhost:5555"),
        ("socket://localhost:0", "socket://localhost:5555"),
        ("socket://localhost:70000", "socket://localhost:5555"),
        ("socket://a b:1", "socket://localhost:5555"),
        ("socket://-x:1", "socket://localhost:5555"),
    ],
)
def test_what_is_no_address_of_a_port_is_refused_with_how_to_write_it(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as info:
        addresses.canonical(typed)
    assert said in f"{info.value.message} {info.value.hint}"


def test_tcp_is_another_name_of_socket() -> None:
    assert addresses.is_address("tcp://[::1]:5555") and addresses.canonical("tcp://[::1]:5555") == "socket://[::1]:5555"


@pytest.mark.parametrize("number", ["", "066AFF55", "a:b/c d?e"])
def test_the_address_that_is_offered_for_a_usb_port_is_read_again(number: str) -> None:
    assert parse(of_usb("0483:374B", number).partition(":")[2]) == Address("", "0483:374B", number)


def test_a_device_may_have_a_serial_address() -> None:
    assert inventory.entry("desk", "serial:usb:0483:374b:12").address == "serial:usb:0483:374b:12"
