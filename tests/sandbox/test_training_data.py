"""What training jobs of a sandbox find of their data, and what they leave behind."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.training import NOTHING, Lab, channel, laboratory, statuses

LOOK_AT_DATA = """
for path in sorted(data.rglob("*")):
    if path.is_file():
        (model / path.relative_to(data).as_posix().replace("/", "-")).write_bytes(path.read_bytes())
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory(tmp_path_factory.mktemp("training")) as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    yield shared
    shared.clear()


def test_a_job_finds_its_data_and_leaves_its_model_and_output(lab: Lab) -> None:
    lab.put(train__a_csv="1", train__deep__b_csv="2", other_csv="3")
    do = LOOK_AT_DATA + "(output / 'data' / 'plot').write_text('p')"
    told = lab.run("iris", do, InputDataConfig=[channel("s3://lab/data/train")])
    assert told["TrainingJobStatus"] == "Completed"
    assert told["ModelArtifacts"]["S3ModelArtifacts"] == "s3://lab/models/iris/output/model.tar.gz"
    assert lab.model("iris") == {"training-a.csv": "1", "training-deep-b.csv": "2"}
    assert lab.archive("models/iris/output/output.tar.gz") == {"plot": "p"}


def test_config_files_say_what_sagemaker_says(lab: Lab) -> None:
    lab.put(a_csv="1")
    do = "(model / 'c').write_text((root / 'input/config/inputdataconfig.json').read_text())\n"
    do += "(model / 'r').write_text(json.dumps(resources))"
    lab.run("iris", do, InputDataConfig=[channel("s3://lab/data/a.csv", ContentType="text/csv")])
    files = lab.model("iris")
    assert json.loads(files["c"]) == {
        "training": {
            "TrainingInputMode": "File",
            "ContentType": "text/csv",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }
    assert json.loads(files["r"]) == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
        "network_interface_name": "eth0",
    }


def test_two_hosts_share_sharded_data_and_make_one_model(lab: Lab) -> None:
    lab.put(**{f"part__{name}": name for name in "abcd"})
    do = """
here = resources["current_host"]
names = sorted(path.name for path in (data / "training").iterdir())
(model / here).write_text(" ".join(names + resources["hosts"]))
(model / "same").write_text(here)
"""
    count = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    inputs = [channel("s3://lab/data/part/", sharded=True)]
    told = lab.run("iris", do, ResourceConfig=count, InputDataConfig=inputs)
    assert told["TrainingJobStatus"] == "Completed"
    assert lab.model("iris") == {
        "algo-1": "a c algo-1 algo-2",
        "algo-2": "b d algo-1 algo-2",
        "same": "algo-1",
    }
    assert len(lab.log("iris")) == 2


def test_groups_of_instances_know_each_other_and_have_their_own_data(lab: Lab) -> None:
    lab.put(a="1")
    groups = [
        {"InstanceGroupName": name, "InstanceType": f"ml.{kind}", "InstanceCount": 1}
        for name, kind in (("cpus", "m5.large"), ("gpus", "g5.xlarge"))
    ]
    inputs = channel("s3://lab/data/")
    inputs["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["gpus"]
    do = """
what = [resources["current_group_name"], resources["current_instance_type"]]
what += [path.name for path in (data / "training").iterdir()]
(model / resources["current_host"]).write_text(" ".join(what))
"""
    config = {"InstanceGroups": groups, "VolumeSizeInGB": 5}
    lab.run("iris", do, ResourceConfig=config, InputDataConfig=[inputs])
    assert lab.model("iris") == {"algo-1": "cpus ml.m5.large", "algo-2": "gpus ml.g5.xlarge a"}


@pytest.mark.parametrize(
    ("uri", "names"),
    [
        ("s3://lab/data/train", {"training-a", "training-b-c", "training-train.csv"}),
        ("s3://lab/data/train/", {"training-a", "training-b-c"}),
        ("s3://lab/data/train/a", {"training-a"}),
        ("s3://lab/data/tr", {"training-train-a", "training-train-b-c", "training-train.csv"}),
    ],
)
def test_a_prefix_is_matched_as_a_text(lab: Lab, uri: str, names: set[str]) -> None:
    lab.put(train__a="1", train__b__c="2", train_csv="3")
    lab.s3.put_object(Bucket="lab", Key="data/train/", Body=b"")
    lab.run("iris", LOOK_AT_DATA, InputDataConfig=[channel(uri)])
    assert set(lab.model("iris")) == names


def test_a_manifest_names_the_objects(lab: Lab) -> None:
    lab.put(a__b="1", c="2", d="3")
    lab.s3.put_object(
        Bucket="lab",
        Key="list",
        Body=json.dumps([{"prefix": "s3://lab/data/"}, "a/b", "c"]).encode(),
    )
    lab.run(
        "iris", LOOK_AT_DATA, InputDataConfig=[channel("s3://lab/list", S3DataType="ManifestFile")]
    )
    assert lab.model("iris") == {"training-a-b": "1", "training-c": "2"}


@pytest.mark.parametrize("text", ["{", "[]", '[{"prefix": "s3://lab/data/"}, "../x"]', "[1, 2]"])
def test_a_manifest_that_is_none_fails_the_job(lab: Lab, text: str) -> None:
    lab.s3.put_object(Bucket="lab", Key="list", Body=text.encode())
    inputs = [channel("s3://lab/list", S3DataType="ManifestFile")]
    told = lab.run("iris", NOTHING, InputDataConfig=inputs)
    assert told["FailureReason"].startswith("ClientError: Data download failed:")


def test_gzip_files_of_a_channel_are_unpacked(lab: Lab) -> None:
    lab.put(a_csv_gz=gzip.compress(b"1,2\n"))
    lab.run(
        "iris", LOOK_AT_DATA, InputDataConfig=[channel("s3://lab/data/", CompressionType="Gzip")]
    )
    assert lab.model("iris") == {"training-a.csv": "1,2\n"}


def test_data_that_is_no_gzip_fails_the_job(lab: Lab) -> None:
    lab.put(a_csv_gz="plain")
    inputs = [channel("s3://lab/data/", CompressionType="Gzip")]
    told = lab.run("iris", NOTHING, InputDataConfig=inputs)
    assert "s3://lab/data/a.csv.gz is no gzip file" in told["FailureReason"]


@pytest.mark.parametrize("uri", ["s3://lab/nothing/", "s3://nobody/data/"])
def test_missing_data_fails_the_job_in_sagemakers_words(lab: Lab, uri: str) -> None:
    told = lab.run("iris", NOTHING, InputDataConfig=[channel(uri)])
    assert told["FailureReason"].startswith(
        f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in '
        "input data source. Please ensure that the bucket exists in the selected region (eu-west-1)"
    )
    assert statuses(told) == ["Starting", "Downloading", "Failed"]


def test_an_object_that_is_a_file_and_a_folder_fails_the_job(lab: Lab) -> None:
    lab.put(a="1", a__b="2")
    told = lab.run("iris", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
    assert "a is an object, and a folder with a/b in it" in told["FailureReason"]


def test_gzip_files_that_become_the_same_file_fail_the_job(lab: Lab) -> None:
    lab.put(a=gzip.compress(b"1"), a_gz=gzip.compress(b"2"))
    inputs = [channel("s3://lab/data/", CompressionType="Gzip")]
    told = lab.run("iris", NOTHING, InputDataConfig=inputs)
    assert "two objects have the same name" in told["FailureReason"]


def test_a_key_that_leads_out_of_the_folder_fails_the_job(lab: Lab) -> None:
    lab.s3.put_object(Bucket="lab", Key="data/x/../../../evil", Body=b"1")
    told = lab.run("iris", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
    assert "is no name of a file" in told["FailureReason"]


def test_a_listing_that_s3_refuses_fails_the_job(lab: Lab) -> None:
    lab.put(a="1")
    lab.sandbox.faults.order({"kind": "error", "on": "s3:ListObjectsV2", "code": "Odd"})
    told = lab.run("iris", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
    assert told["FailureReason"].startswith(
        "ClientError: Data download failed: s3://lab/data/: Odd:"
    )


def test_a_download_that_breaks_off_is_tried_again(lab: Lab) -> None:
    lab.put(a="x" * 5000)
    lab.sandbox.faults.order({"kind": "cut", "on": "s3:GetObject", "bytes": 1000})
    lab.run("iris", LOOK_AT_DATA, InputDataConfig=[channel("s3://lab/data/")])
    assert lab.model("iris") == {"training-a": "x" * 5000}


def test_a_download_that_always_breaks_off_fails_the_job(lab: Lab) -> None:
    lab.put(a="x" * 5000)
    lab.sandbox.faults.order({"kind": "cut", "on": "s3:GetObject", "bytes": 1000, "times": 0})
    told = lab.run("iris", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
    assert told["FailureReason"].startswith("ClientError: Data download failed: s3://lab/data/a:")


def test_a_large_file_is_never_held_in_memory(lab: Lab) -> None:
    size = 128 << 20
    place = lab.sandbox.settings.folder / "large"
    with place.open("wb") as file:
        file.truncate(size)
    lab.s3.upload_file(str(place), "lab", "data/large")
    place.unlink()
    Path("/proc/self/clear_refs").write_text("5")  # The peak is counted from here.
    before = peak()
    do = "(model / 'size').write_text(str((data / 'training/large').stat().st_size))\n"
    do += "os.rename(data / 'training/large', model / 'large')"
    told = lab.run("iris", do, InputDataConfig=[channel("s3://lab/data/")])
    assert told["TrainingJobStatus"] == "Completed", told["FailureReason"]
    assert peak() - before < size / 2
    assert list(lab.sandbox.settings.folder.glob("training-*")) == []


def test_model_archives_hold_links_within_the_model_alone(lab: Lab) -> None:
    do = """
(model / "v1").write_text("1")
(model / "deep").mkdir()
(model / "deep" / "latest").symlink_to("../v1")
(model / "absolute").symlink_to(model / "v1")
(model / "outside").symlink_to("../../../etc/passwd")
os.mkfifo(model / "fifo")
os.link(model / "v1", model / "v2")
"""
    lab.run("iris", do)
    files = lab.model("iris")
    assert files.pop("deep/latest") == "../v1"
    assert files.pop("absolute") == "v1"
    assert files in ({"v1": "1", "v2": "v1"}, {"v2": "1", "v1": "v2"})


def test_a_model_is_kept_as_plain_files_on_request(lab: Lab) -> None:
    config = {"S3OutputPath": "s3://lab/models/", "CompressionType": "NONE"}
    do = "(model / 'deep').mkdir(); (model / 'deep' / 'w').write_text('1')"
    told = lab.run("iris", do, OutputDataConfig=config)
    assert told["ModelArtifacts"]["S3ModelArtifacts"] == "s3://lab/models/iris/output/model"
    assert lab.read("models/iris/output/model/deep/w") == b"1"


def test_a_model_that_cannot_be_uploaded_fails_the_job(lab: Lab) -> None:
    told = lab.run("iris", NOTHING, OutputDataConfig={"S3OutputPath": "s3://nobody/models"})
    assert told["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert "NoSuchBucket" in told["FailureReason"]


def test_a_spot_job_goes_on_from_its_checkpoints(lab: Lab) -> None:
    do = """
step = root / "checkpoints" / "step"
step.write_text(str(int(step.read_text()) + 1 if step.exists() else 1))
"""
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        "CheckpointConfig": {"S3Uri": "s3://lab/kept"},
    }
    lab.run("one", do, **spot)
    assert lab.read("kept/step") == b"1"
    lab.run("two", do, **spot)
    assert lab.read("kept/step") == b"2"


def peak() -> int:
    """Return the most bytes of memory that this process had."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
