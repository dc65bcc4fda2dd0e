"""In which order things are done: each after those that it needs."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Needs = Mapping[str, Iterable[str]]

AT_ONCE = 4
"""Things that are done at the same time at most."""


def in_order(needs: Needs) -> list[str]:
    """Return names, each after those that it needs.

    Args:
        needs: The names that each name needs.

    Raises:
        ServiceError: Some need each other.
    """
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Circular dependency between resources: [{names}]") from error


def backwards(needs: Needs) -> dict[str, set[str]]:
    """Return the names that need each name: what is to be deleted before it."""
    turned: dict[str, set[str]] = {name: set() for name in needs}
    for name, needed in needs.items():
        for each in needed:
            turned[each].add(name)
    return turned


def carry_out(needs: Needs, work: Callable[[str], bool], stopped: Callable[[], bool]) -> set[str]:
    """Do something for every name, some at the same time, each after those that it needs.

    What needs a name that failed is not begun.

    Args:
        needs: The names that each name needs.
        work: Does it for a name, and returns whether it could.
        stopped: Returns whether nothing more is to begin.

    Returns:
        The names for which it could not be done; without those that were not begun.
    """
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    failed: set[str] = set()
    running: dict[Future[bool], str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while sorter.is_active():
            ready = () if stopped() else sorter.get_ready()
            running.update({pool.submit(work, name): name for name in ready})
            if not running:
                break
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(ended)
                if ended.result():
                    sorter.done(name)
                else:
                    failed.add(name)
    return failed
