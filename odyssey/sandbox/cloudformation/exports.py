"""A stack's outputs, and what other stacks have to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.sandbox.cloudformation.errors import ResourceError

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.records import Record, Records


def require(records: Records, stack: Record, outputs: list[dict[str, str]]) -> None:
    """Return if a stack may have new outputs.

    Args:
        records: The stacks.
        stack: The stack.
        outputs: The outputs that it is to have; none where it is to be deleted.

    Raises:
        ResourceError: An export of that name is another stack's, or one that is used would change.
    """
    region = stack["region"]
    wanted = _named(outputs)
    for name, (owner, _) in records.exports(region).items():
        if name in wanted and owner["StackId"] != stack["StackId"]:
            told = f"Export with name {name} is already exported by stack {owner['StackName']}"
            raise ResourceError(told)
    for name, value in _named(stack.get("Outputs", [])).items():
        users = records.importers(region, name)
        if users and wanted.get(name) != value:
            what = "updated" if name in wanted else "deleted"
            told = f"Export {name} cannot be {what} as it is in use by {', '.join(users)}"
            raise ResourceError(told)


def _named(outputs: list[dict[str, str]]) -> dict[str, str]:
    return {
        output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output
    }
