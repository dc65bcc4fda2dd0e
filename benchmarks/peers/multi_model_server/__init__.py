"""AWS's inference toolkit (sagemaker-inference) on multi-model-server: Java in front of Python."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import Launch
from benchmarks.subjects import Setting, Subject, free_port

HERE = Path(__file__).parent

# As the toolkit writes it, but for the addresses (it binds all) and Java's own file in /tmp.
PROPERTIES = """enable_envvars_config=true
decode_input_request=false
load_models=ALL
default_workers_per_model={workers}
default_service_handler=sagemaker_inference.default_handler_service
inference_address=http://127.0.0.1:{port}
management_address=http://127.0.0.1:{management}
vmargs=-XX:-UseContainerSupport -XX:-UsePerfData
"""


def launch(setting: Setting) -> Launch:
    """Write the server's properties, and return its start with one model of two workers."""
    properties = setting.scratch / "mms.properties"
    text = PROPERTIES.format(workers=setting.workers, port=setting.port, management=free_port())
    properties.write_text(text, encoding="utf-8")
    (setting.scratch / "model").mkdir()
    argv = [setting.program("multi-model-server"), "--start", "--foreground"]
    argv += ["--mms-config", str(properties), "--log-config", str(HERE / "log4j2.xml")]
    argv += ["--model-store", str(setting.scratch), "--models", "model=model"]
    variables = {
        "BENCHMARK_MODEL": str(setting.inputs.folder / "model.pkl"),
        "PYTHONPATH": str(HERE),
        "SAGEMAKER_BASE_DIR": str(setting.scratch),
        "TEMP": str(setting.scratch),
    }
    return Launch(argv, variables, setting.scratch)


SUBJECTS = [
    Subject(
        "multi-model-server",
        "AWS inference toolkit on multi-model-server",
        "multi_model_server",
        launch,
        programs=("java",),
        note="started directly (the toolkit binds all addresses and writes in /etc), access log "
        "off; /ping is 200 before its workers have loaded the model",
    )
]
