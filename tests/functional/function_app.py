"""An `app.py` of a few lines that keeps Lambda's contract, or breaks it where FLAW says so."""

APP = """
import base64, json, os, pathlib, time
root = pathlib.Path(os.environ.get("ROCKET_ML_ROOT", "/opt/ml"))
flaw = os.environ.get("FLAW", "")
if flaw == "import":
    import nothing_of_the_kind
if flaw == "memory":
    held = b"x" * (400 << 20)


def train(event, context):
    if flaw == "fails":
        raise ValueError("no good")
    numbers = (root / "input/data/training/numbers").read_text()
    (root / "model/seen.json").write_text(json.dumps({"numbers": numbers, **look()}))
    return {"model": str(root / "model"), "seconds": 0}


def serve(event, context):
    http = event.get("requestContext") if isinstance(event, dict) else None
    if http is None:
        if flaw == "size" and len(json.dumps(event)) > 1000000:
            os._exit(1)
        return predict(event)
    method = event.get("httpMethod") or http["http"]["method"]
    if method == "GET":
        return {"statusCode": 200, "body": ""}
    status, value = answer(event)
    if flaw == "shapes" and "httpMethod" in event:
        value = [value]
    return {"statusCode": status, "headers": {"content-type": "application/json"},
            "body": json.dumps(value)}


def answer(event):
    headers = {name.lower(): value for name, value in event["headers"].items()}
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    if headers.get("content-type") != "application/json":
        return 415, "what"
    try:
        return 200, predict(json.loads(body))
    except ValueError:
        return 400, "no"


def predict(value):
    if not isinstance(value, dict) or "x" not in value:
        if flaw == "exits":
            os._exit(1)
        raise ValueError("there is no x")
    if value["x"] == "look":
        return look()
    return value["x"] * 2


def look():
    def can_write(place):
        try:
            (pathlib.Path(place) / "mine").write_text("x")
        except OSError as error:
            return error.strerror
        return True
    size = os.statvfs("/tmp")
    return {"user": [os.getuid(), os.getgid()],
            "model": sorted(path.name for path in (root / "model").iterdir()),
            "write": {place: can_write(place) for place in ("/", "/opt/ml/model", "/tmp")},
            "tmp_mb": size.f_blocks * size.f_frsize >> 20,
            "memory": os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
            "cache": os.environ.get("XDG_CACHE_HOME"),
            "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"]}
"""
