"""The reliable stream under loss, in simulated time."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq_host.linklib import Endpoint, Limits
from tests.link.simulation import LARGE, SMALL, Fault, Simulation, bit_errors, clean, pending

DATA = random.Random(1).randbytes(20_000)
BACK = random.Random(2).randbytes(5_000)


def only(number: int, what: str) -> Fault:
    """Frame `number` of one direction is lost, doubled, cut or changed."""

    def change(count: int, frame: bytes) -> list[bytes]:
        if count != number:
            return [frame]
        middle = len(frame) // 2
        changed = frame[:middle] + bytes([frame[middle] ^ 0x55]) + frame[middle + 1 :]
        return {"lost": [], "doubled": [frame, frame], "cut": [frame[:middle]], "changed": [changed]}[what]

    return change


def test_both_directions_deliver_without_loss() -> None:
    simulation = Simulation()
    assert simulation.transfer(DATA, BACK) == (DATA, BACK)
    state = simulation.host.state(0)
    assert state.frames_lost == 0 and state.payload == 512


@pytest.mark.parametrize("what", ["lost", "doubled", "cut", "changed"])
@pytest.mark.parametrize("up", [True, False])
def test_one_bad_frame_at_any_place_does_no_harm(what: str, up: bool) -> None:
    whole = Simulation()
    whole.transfer(DATA[:6000], BACK[:2000])
    for number in range(whole.up.frames if up else whole.down.frames):
        fault = only(number, what)
        simulation = Simulation(fault if up else clean, clean if up else fault)
        assert simulation.transfer(DATA[:6000], BACK[:2000]) == (DATA[:6000], BACK[:2000]), number


def test_a_lost_frame_costs_one_round_trip_and_not_a_time_out() -> None:
    simulation, plain = Simulation(only(10, "lost")), Simulation()
    simulation.transfer(DATA)
    plain.transfer(DATA)
    assert simulation.now_ms - plain.now_ms < 50


def test_an_end_whose_own_frames_are_smaller_than_the_first_ones_of_others_sends_all_the_same() -> None:
    assert Simulation(device=Limits(256, 1024, 512, 0x100)).transfer(DATA[:3000], BACK) == (DATA[:3000], BACK)


@pytest.mark.parametrize("seed", range(3))
def test_a_serial_line_with_1e_3_bit_errors_delivers_with_small_payloads(seed: int) -> None:
    simulation = Simulation(bit_errors(1e-3, seed), bit_errors(1e-3, seed + 100), rate=11_520, delay_ms=1)
    assert simulation.transfer(DATA, BACK) == (DATA, BACK)
    assert simulation.host.state(0).payload <= 128


def test_a_line_that_has_become_good_gets_large_payloads_again() -> None:
    noisy = bit_errors(1e-3, 5)
    simulation = Simulation(lambda number, frame: noisy(number, frame) if number < 300 else [frame])
    smallest = 512
    simulation.host.write(b"")
    data = DATA * 10
    there, sent = bytearray(), 0
    while len(there) < len(data):
        sent += simulation.host.write(data[sent : sent + 65536]) if simulation.host.state(0).open else 0
        simulation.step()
        there += simulation.device.read()
        smallest = min(smallest, simulation.host.state(0).payload)
    assert bytes(there) == data and smallest <= 64 and simulation.host.state(0).payload == 512


def test_payload_halves_at_two_losses_down_to_32_and_doubles_after_32_good_frames_up_to_the_peer_s() -> None:
    lost = set(range(120, 128))
    simulation = Simulation(lambda number, frame: [] if number in lost else [frame], device=LARGE)
    seen: list[int] = []
    data = DATA * 200
    sent, there = 0, 0
    while there < len(data):
        sent += simulation.host.write(data[sent : sent + 65536]) if simulation.host.state(0).open else 0
        simulation.step()
        there += len(simulation.device.read())
        payload = simulation.host.state(0).payload
        if not seen or seen[-1] != payload:
            seen.append(payload)
    assert seen[:2] == [512, 1024] and any(b < a for a, b in pairwise(seen)) and seen[-1] == 65536
    assert all(b in (a * 2, a // 2) for a, b in pairwise(seen))


def test_a_receiver_that_does_not_read_stops_the_sender_and_nothing_is_lost() -> None:
    simulation = Simulation()
    sent = 0
    for _ in range(3000):
        sent += simulation.host.write(DATA[sent:]) if simulation.host.state(0).open else 0
        simulation.step()
    there = bytearray()
    assert simulation.up.frames < 3000
    while len(there) < sent:
        there += simulation.device.read()[:4096]
        simulation.step()
    assert bytes(there) == DATA[:sent]


@pytest.mark.parametrize("down_lost", [3, 4, 5, 6, 7])
def test_a_lost_window_update_does_not_stop_the_stream_for_good(down_lost: int) -> None:
    lost = set(range(down_lost, down_lost + 3))
    simulation = Simulation(clean, lambda number, frame: [] if number in lost else [frame])
    assert simulation.transfer(DATA)[0] == DATA


def test_hello_fits_in_64_bytes() -> None:
    host, device = Endpoint(LARGE), Endpoint(SMALL)
    host.connect(1, 0)
    hello = host.transmit(0)
    device.receive(hello, 0)
    welcome = device.transmit(0)
    assert len(hello) <= 64 and len(welcome) <= 64
    host.receive(welcome, 0)
    assert host.state(0).open and host.state(0).peer.max_payload == 512


def test_hello_comes_through_boot_text_noise_and_half_frames() -> None:
    host, device = Endpoint(LARGE), Endpoint(SMALL)
    host.connect(9, 0)
    hello = host.transmit(0)
    device.receive(b"\r\nBooting v1.2 ... ok\r\n" + bytes(range(256)) * 8 + hello[: len(hello) // 2] + hello, 0)
    assert device.state(0).open
    host.receive(b"U-Boot 2024.01\n" + device.transmit(0), 0)
    assert host.state(0).open


def test_hello_is_repeated_until_it_is_answered() -> None:
    simulation = Simulation(lambda number, frame: [] if number < 5 else [frame])
    assert simulation.transfer(b"abc")[0] == b"abc" and simulation.now_ms >= 1200


def test_a_new_session_starts_at_zero_and_frames_of_the_old_one_are_ignored() -> None:
    simulation = Simulation()
    simulation.transfer(DATA[:3000])
    simulation.host.write(b"old")
    stale = simulation.host.transmit(int(simulation.now_ms))
    simulation.host.connect(78, int(simulation.now_ms))
    assert simulation.transfer(b"fresh")[0] == b"fresh"
    assert simulation.device.state(0).fresh
    simulation.device.receive(stale, int(simulation.now_ms))
    assert simulation.device.read() == b""


def test_on_a_reliable_line_both_ends_begin_with_the_largest_frames_and_send_nothing_twice() -> None:
    """Though it is so slow that each waits behind others for longer than any time-out."""
    simulation = Simulation(device=LARGE, rate=20_000, delay_ms=30, reliable=True)
    data, back = random.Random(3).randbytes(700_000), random.Random(4).randbytes(300_000)
    assert simulation.transfer(data, back) == (data, back)
    for end, size in ((simulation.host, len(data)), (simulation.device, len(back))):
        state = end.state(0)
        assert state.frames_lost == 0 and state.payload == 1 << 16 and state.frames_sent <= size / (1 << 16) + 6


@pytest.mark.parametrize("number", range(4))
def test_a_frame_that_is_lost_on_a_line_said_to_be_reliable_comes_all_the_same(number: int) -> None:
    simulation = Simulation(only(number, "lost"), only(number, "changed"), device=LARGE, reliable=True)
    assert simulation.transfer(DATA, BACK) == (DATA, BACK)


def test_a_repeated_hello_of_the_same_session_changes_nothing() -> None:
    host, device = Endpoint(LARGE), Endpoint(SMALL)
    host.connect(5, 0)
    hello = host.transmit(0)
    device.receive(hello, 0)
    host.receive(device.transmit(0), 0)
    host.write(b"data")
    device.receive(host.transmit(0), 1)
    device.receive(hello, 2)
    assert device.read() == b"data"


@pytest.mark.parametrize(
    "limits", [Limits(32, 4096, 1024, 0), Limits(512, 3000, 1024, 0), Limits(512, 512, 1024, 0), Limits(1 << 17, 1 << 20, 1, 0)]
)
def test_limits_out_of_range_are_refused(limits: Limits) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Endpoint(limits)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.2), st.integers(0, 6000))
def test_random_faults_of_all_kinds_deliver_the_same_bytes(seed: int, loss: float, noise: float, size: int) -> None:
    generator = random.Random(seed)

    def fault(_: int, frame: bytes) -> list[bytes]:
        parts = [frame]
        if generator.random() < loss:
            parts = generator.choice([[], [frame, frame], [frame[: generator.randrange(len(frame))]]])
        return [*([generator.randbytes(generator.randrange(1, 40))] if generator.random() < noise else []), *parts]

    simulation = Simulation(fault, fault)
    assert simulation.transfer(DATA[:size], BACK[: size // 3]) == (DATA[:size], BACK[: size // 3])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=10), st.booleans())
def test_hostile_frames_never_break_an_end(parts: list[bytes], host: bool) -> None:
    """Well-formed frames with any content: the checks behind the CRC hold."""
    from tests.link.test_frame import encode

    end = Endpoint(SMALL)
    if host:
        end.connect(1, 0)
        other = Endpoint(SMALL)
        other.receive(end.transmit(0), 0)
        end.receive(other.transmit(0), 0)
        end.write(DATA[:1500])
        while end.transmit(0):
            pass
    for number, part in enumerate(parts):
        kind = part[0] % 6 if part else 3
        offset = int.from_bytes(part[1:5], "little") if len(part) % 2 else len(part) * number
        end.receive(encode(kind, 1, offset, part), number)
        end.transmit(number)
        end.read()
    assert pending(end) <= 2048
