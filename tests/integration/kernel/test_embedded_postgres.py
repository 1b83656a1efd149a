"""The embedded server is where its clients were told that it is, also after a crash."""

import socket

import pytest

from shared.db.embedded import EmbeddedPostgres, EmbeddedPostgresFailed
from tests.support.postgres import server_directory


def test_a_server_that_is_started_again_waits_for_its_port_instead_of_moving_away_from_its_clients():
    with server_directory() as directory:
        server = EmbeddedPostgres(directory)
        server.start()
        told = server.port
        try:
            server.stop_immediately()
            with socket.socket() as somebody:
                somebody.bind(("127.0.0.1", told))
                somebody.listen()
                with pytest.raises(EmbeddedPostgresFailed, match="Address already in use"):
                    server.start()
            server.start()
            assert server.port == told
        finally:
            server.stop_immediately()
