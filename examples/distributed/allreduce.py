"""The mean of an array over several machines: rank 0 collects all, and sends it back."""

import contextlib
import socket
import time

import numpy as np


class Group:
    """The machines of a job, for the length of a `with` block.

    Enough for small arrays and a few machines; for more there is `torch.distributed`.

    Args:
        address: Where the machine of rank 0 is met.
        port: The port there.
        rank: This machine's place, from 0.
        size: How many there are.
        patience: Seconds to wait for another machine, at the start and at each step.
    """

    def __init__(self, address, port, rank, size, patience=300.0):
        self.address, self.port, self.rank, self.size = address, port, rank, size
        self.patience = patience
        self.others = []

    def __enter__(self):
        """Meets the other machines."""
        with contextlib.ExitStack() as stack:
            if self.rank == 0:
                listener = stack.enter_context(socket.create_server((self.address, self.port)))
                listener.settimeout(self.patience)
                for _ in range(1, self.size):
                    self.others.append(stack.enter_context(listener.accept()[0]))
                listener.close()
            else:
                self.others.append(stack.enter_context(self._call()))
            for other in self.others:
                other.settimeout(self.patience)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_):
        """Leaves them."""
        self._open.close()

    def mean(self, array):
        """Returns the mean of the arrays of all machines, the same bytes on each."""
        if self.rank == 0:
            total = array + sum(self._receive(other, array) for other in self.others)
            mean = (total / self.size).astype(array.dtype)
            for other in self.others:
                other.sendall(mean.tobytes())
            return mean
        (first,) = self.others
        first.sendall(np.ascontiguousarray(array).tobytes())
        return self._receive(first, array)

    def _call(self):
        """Connects to rank 0, which may not listen yet."""
        place = self.address, self.port
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return socket.create_connection(place, timeout=self.patience)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _receive(self, other, like):
        """Receives an array of the shape and type of another."""
        received = np.empty_like(like, order="C")
        rest = memoryview(received).cast("B")
        while rest:
            count = other.recv_into(rest)
            if count == 0:
                raise ConnectionError("another machine has ended before the end of training")
            rest = rest[count:]
        return received
