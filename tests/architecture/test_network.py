from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0)])
def test_a_connection_elsewhere_is_refused_and_remembered(network_guard, address):
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(OSError, match="on this machine"):
        sock.connect(address)
    assert len(network_guard.refused) == 1
    network_guard.refused.clear()


def test_a_look_up_of_a_foreign_name_is_refused(network_guard):
    with pytest.raises(OSError, match="on this machine"):
        socket.getaddrinfo("example.com", 443)
    network_guard.refused.clear()


def test_loopback_and_unix_sockets_work(network_guard, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as calling:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        calling.connect(str(tmp_path / "s"))
    assert network_guard.refused == []
