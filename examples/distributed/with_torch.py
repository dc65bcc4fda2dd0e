"""The training of each machine by PyTorch; DistributedDataParallel averages gradients."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel


def fit(cluster, features, labels, classes, *, epochs, rate):
    """Fits a linear layer to this machine's rows, in step with the other machines.

    Returns:
        Weights (features x classes) and bias, the same on every machine.
    """
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        os.environ.setdefault("NCCL_SOCKET_IFNAME", cluster.network_interface)
    dist.init_process_group(
        "nccl" if has_gpu else "gloo",
        init_method=f"tcp://{cluster.master_addr}:{cluster.master_port}",
        rank=cluster.rank,
        world_size=len(cluster.hosts),
        timeout=timedelta(minutes=5),
    )
    try:
        device = torch.device("cuda" if has_gpu else "cpu")
        layer = torch.nn.Linear(features.shape[1], classes)
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
        model = DistributedDataParallel(layer.to(device))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        inputs = torch.from_numpy(features).to(device)
        wanted = torch.from_numpy(labels).to(device)
        for _ in range(epochs):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), wanted).backward()
            optimizer.step()
        return layer.weight.detach().cpu().numpy().T, layer.bias.detach().cpu().numpy()
    finally:
        dist.destroy_process_group()
