"""What the demo sets its stage with."""

import socket

import pytest

from bot.demo.stage import free_port
from bot.listeners import bind_public


def test_free_port_is_kept_for_the_service_that_is_told_it():
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    bind_public("127.0.0.1", port).close()
