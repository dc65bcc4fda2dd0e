"""Training jobs in containers of a real engine."""

import docker

from odyssey.images import image
from odyssey.images.image import Image
from odyssey.sandbox.executors.docker import DockerExecutor
from tests.sandbox.conftest import Start
from tests.sandbox.training import NOTHING, Lab, statuses

MEET = """
import json, pathlib, socket, time
root = pathlib.Path("/opt/ml")
host = json.loads((root / "input/config/resourceconfig.json").read_text())["current_host"]
if host == "algo-1":
    socket.create_server(("", 9000)).accept()
while host == "algo-2":
    try:
        host = socket.create_connection(("algo-1", 9000)) and "met"
    except OSError:
        time.sleep(0.1)
(root / "model" / host).write_text("done")
"""


class Local:
    """Images that the engine has."""

    def pull(self, engine: docker.DockerClient, name: str, region: str, role: str | None) -> Image:
        return image.find(engine, name)


def test_two_containers_of_a_job_meet_by_their_host_names(
    start: Start, engine: docker.DockerClient, base_image: str
) -> None:
    lab = Lab(start(DockerExecutor(engine, Local())))
    lab.furnish()
    told = lab.run(
        "iris",
        NOTHING,
        Environment={"MEET": MEET},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5},
        AlgorithmSpecification={
            "TrainingImage": base_image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-c", "import os; exec(os.environ['MEET'])"],
        },
    )
    assert statuses(told)[-1] == "Completed", told
    assert lab.model("iris") == {"algo-1": "done", "met": "done"}
