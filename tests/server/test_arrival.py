"""A request's age counts from when its data came, not from when a busy process looked."""

import socket
import time

from adcascade.server.arrival import age_us, arrival_s, arrived


def test_data_that_waited_is_as_old_as_it_waited() -> None:
    """Sent, left lying for a while, read: it arrived that long ago, to within the kernel's tick."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as caller:
        heard, _ = listener.accept()
        with heard:
            for waited in (0.0, 0.1):
                caller.sendall(b"x")
                sent = time.monotonic()
                time.sleep(waited)
                heard.recv(1)
                assert abs(arrival_s(heard) - sent) < 0.03


def test_a_connection_that_is_not_tcp_counts_from_now() -> None:
    """A socket pair of the machine itself knows no time of arrival."""
    left, right = socket.socketpair()
    with left, right:
        assert time.monotonic() - arrival_s(left) < 0.05


def test_who_nobody_saw_arrive_has_no_age() -> None:
    """Without a note the age is 0; with one it is the difference, and never negative."""
    assert age_us(5.0) == 0.0
    token = arrived.set(4.0)
    assert age_us(5.0) == 1e6
    assert age_us(3.0) == 0.0
    arrived.reset(token)
