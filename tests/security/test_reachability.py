"""What serves on this machine serves this machine alone: no port of it is open to another one."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from odyssey.images import image as images
from odyssey.images.containers import Container, Recipe
from odyssey.process import descendants
from tests.e2e.sandboxes import World
from tests.e2e.servers import free_port
from tests.functional.conftest import until

LISTENS = "0A"
SIOCGIFADDR = 0x8915


def addresses_of_this_machine() -> list[str]:
    """Return those by which other machines reach this one, of IPv4 and IPv6."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                told = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue
            found.append(socket.inet_ntoa(told[20:24]))
    if Path("/proc/net/if_inet6").exists():
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            digits, index, *_ = line.split()
            address = str(ipaddress.IPv6Address(int(digits, 16)))
            link = ipaddress.ip_address(address).is_link_local
            found.append(f"{address}%{int(index, 16)}" if link else address)
    return [each for each in found if not ipaddress.ip_address(each.split("%")[0]).is_loopback]


def listened_at(pid: int) -> set[tuple[str, int]]:
    """Return the addresses and ports at which a process and its children take connections."""
    sockets = set()
    for each in [pid, *descendants(pid)]:
        for entry in Path(f"/proc/{each}/fd").iterdir():
            try:
                sockets.add(os.readlink(entry))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        for _, local, _, state, *_, inode in (line.split()[:10] for line in lines):
            if state == LISTENS and f"socket:[{inode}]" in sockets:
                host, _, port = local.partition(":")
                found.add((_address(host), int(port, 16)))
    return found


def _address(digits: str) -> str:
    words = [struct.pack("=I", int(digits[at : at + 8], 16)) for at in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def reaches(address: str, port: int) -> bool:
    host, _, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(5)
        at = (host, port, 0, int(scope or 0)) if family == socket.AF_INET6 else (host, port)
        return probe.connect_ex(at) == 0


def reached_from_elsewhere(ports: set[int]) -> list[tuple[str, int]]:
    return [
        (address, port)
        for address in addresses_of_this_machine()
        for port in ports
        if reaches(address, port)
    ]


def test_this_machine_has_an_address_to_try() -> None:
    # given what would be open to all
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        port = open_to_all.getsockname()[1]
        # then it is seen in both ways: else nothing below could fail
        assert ("0.0.0.0", port) in listened_at(os.getpid())
        assert reached_from_elsewhere({port})


@pytest.fixture(scope="module")
def world(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("reachability")
    app = Path(shutil.copytree(trained, place / "app"))
    with World(app, place / "state", ("--executor", "process")) as world:
        yield world


def endpoint(world: World) -> None:
    """Have a model served by the sandbox, without a stack."""
    archive = world.app / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for file in (world.app / "model").iterdir():
            tar.add(file, file.name)
    s3 = world.client("s3")
    s3.create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.upload_file(str(archive), "models", "model.tar.gz")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = world.client("iam").create_role(
        RoleName="hosting", AssumeRolePolicyDocument=json.dumps(policy)
    )
    sagemaker = world.client("sagemaker")
    sagemaker.create_model(
        ModelName="iris",
        ExecutionRoleArn=role["Role"]["Arn"],
        PrimaryContainer={
            "Image": world.variables["ODYSSEY_ARTIFACTS_IMAGE"],
            "ModelDataUrl": "s3://models/model.tar.gz",
        },
    )
    variant = {"VariantName": "all", "ModelName": "iris", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="iris",
        ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}],
    )
    sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName="iris")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="iris", WaiterConfig={"Delay": 1, "MaxAttempts": 250}
    )


def test_neither_the_sandbox_nor_a_container_of_it_is_reached_from_elsewhere(world: World) -> None:
    # given
    endpoint(world)
    # when
    found = listened_at(world.record["pid"])
    # then: the sandbox, and the server of the endpoint's model
    assert len(found) >= 2
    assert {host for host, _ in found} == {"127.0.0.1"}
    assert reached_from_elsewhere({port for _, port in found}) == []


def test_neither_a_local_server_nor_its_page_is_reached_from_elsewhere(world: World) -> None:
    # given
    port = free_port()
    words = [sys.executable, "-m", "odyssey", "local", "serve", "--port", str(port), "--ui"]
    environ = {**world.environment(), "ODYSSEY_LOCAL_UI_PORT": "0"}
    with subprocess.Popen(words, cwd=world.app, env=environ) as server:
        try:
            until(lambda: reaches("127.0.0.1", port), seconds=250)
            # when
            found = listened_at(server.pid)
            # then
            assert len(found) >= 2
            assert {host for host, _ in found} == {"127.0.0.1"}
            assert reached_from_elsewhere({port for _, port in found}) == []
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def test_a_container_s_port_leads_there_from_this_machine_alone(
    engine: docker.DockerClient, base_image: str
) -> None:
    # given what every container is started by: docker serve, and the sandbox's machines
    recipe = Recipe(["-m", "http.server", "8080"], ports={0: 8080}, entrypoint=["python3"])
    with Container(engine, images.find(engine, base_image), recipe) as container:
        container.start()
        port = container.port(8080)
        until(lambda: reaches("127.0.0.1", port), seconds=250)
        # then: not even by the address that the engine's own network has here
        assert reached_from_elsewhere({port}) == []
