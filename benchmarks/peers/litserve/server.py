"""The model behind LitServe, as its guide shows; ``python server.py PORT WORKERS``."""

import os
import pickle
import sys
from pathlib import Path

import litserve


class Iris(litserve.LitAPI):
    """Predicts one record of JSON."""

    def setup(self, device):
        """Load the model, once per worker."""
        self.model = pickle.loads(Path(os.environ["BENCHMARK_MODEL"]).read_bytes())

    def decode_request(self, request):
        """Take the numbers out of the record."""
        return request["observation"]

    def predict(self, x):
        """Predict one record."""
        return int(self.model.predict([x])[0])

    def encode_response(self, output):
        """Wrap the class."""
        return {"prediction": output}


if __name__ == "__main__":
    port, workers = map(int, sys.argv[1:])
    # fast_queue: what its documentation advises from a hundred requests a second on.
    server = litserve.LitServer(
        Iris(), accelerator="cpu", devices=1, workers_per_device=workers, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=port,
        num_api_servers=workers,
        log_level="warning",
        generate_client_file=False,
    )
