import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from servers import Server

# A busy machine is no failure, and nothing is left in the working tree.
set_hypothesis_home_dir(Path(tempfile.gettempdir(), "airtel_ccp_hypothesis"))
settings.register_profile(
    "ccp", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ccp")


@pytest.fixture
def serve():
    """Start servers: ``serve(answer)``, where ``answer`` is called with each exchange."""
    with ExitStack() as stack:

        def start(answer, certificate=None):
            server = Server(answer, certificate)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def certify(tmp_path_factory):
    """Make a self-signed certificate for a name: ``certify(name)`` gives its file and its key's."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")

    def make(name):
        folder = tmp_path_factory.mktemp("certificate")
        certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        command += ["-addext", f"subjectAltName=DNS:{name}", "-out", certificate, "-keyout", key]
        subprocess.run(command, check=True, capture_output=True)
        return certificate, key

    return make


@pytest.fixture
def closed_port():
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]
