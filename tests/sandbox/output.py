"""What a machine prints, as far as it has come."""

import time


class Output:
    """Takes it piece by piece."""

    def __init__(self) -> None:
        self.bytes = b""

    def __call__(self, piece: bytes) -> None:
        self.bytes += piece

    def wait_for(self, word: bytes) -> None:
        deadline = time.monotonic() + 20
        while word not in self.bytes:
            assert time.monotonic() < deadline, self.bytes
            time.sleep(0.01)
