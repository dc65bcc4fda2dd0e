"""The review as JSON: what ``review.schema.json`` beside this file describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.review.report import VERSION, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.checks.findings import Finding
    from odyssey.review.report import Cost, PermissionChange, ResourceChange, Review


def render(review: Review) -> str:
    """Return a review as the text of a JSON document."""
    return json.dumps(document(review), indent=2, ensure_ascii=False, default=str) + "\n"


def document(review: Review) -> dict[str, Any]:
    """Return a review as JSON takes it."""
    return {
        "version": VERSION,
        "app": review.app,
        "base": review.base,
        "head": review.head,
        "stacks": list(review.stacks),
        "summary": _summary(review),
        "changes": [_change(each) for each in review.changes],
        "permissions": [_permission(each) for each in review.permissions],
        "cost": _costs(review),
        "findings": {
            "brought": _findings(review.brought),
            "kept": _findings(review.kept),
            "gone": _findings(review.gone),
        },
        "graph": {
            "nodes": [
                {
                    "id": node.id,
                    "stack": node.stack,
                    "label": node.label,
                    "type": node.type,
                    "group": node.group.value,
                    "action": node.action.value,
                }
                for node in review.nodes
            ],
            "edges": [{"source": edge.source, "target": edge.target} for edge in review.edges],
        },
        "notes": list(review.notes),
    }


def _summary(review: Review) -> dict[str, Any]:
    ranks = [each.rank.name.lower() for change in review.changes for each in change.consequences]
    return {
        "differs": review.differs,
        "actions": {
            action.value: sum(change.action is action for change in review.changes)
            for action in Action
        },
        "consequences": {word: ranks.count(word) for word in ("danger", "caution", "note")},
        "widens": sum(each.widens for each in review.permissions),
        "brought": sum(each.ignored is None for each in review.brought),
    }


def _change(change: ResourceChange) -> dict[str, Any]:
    return {
        "stack": change.stack,
        "resource": change.resource,
        "construct": change.construct,
        "type": change.type,
        "name": change.name,
        "group": change.group.value,
        "action": change.action.value,
        "properties": [
            {
                "path": each.path,
                "before": each.before,
                "after": each.after,
                "replaces": each.replaces,
                "because": each.because,
            }
            for each in change.properties
        ],
        "consequences": [
            {
                "id": each.id,
                "rank": each.rank.name.lower(),
                "text": each.text,
                "source": each.source,
            }
            for each in change.consequences
        ],
    }


def _permission(change: PermissionChange) -> dict[str, Any]:
    return {
        "stack": change.stack,
        "resource": change.resource,
        "holder": change.holder,
        "kind": change.kind,
        "added": change.added,
        "widens": change.widens,
        "rank": change.rank.name.lower(),
        "text": change.text,
        "why": change.why,
        "statement": dict(change.statement),
    }


def _costs(review: Review) -> dict[str, Any]:
    return {
        "before": _cost(review.before),
        "after": _cost(review.after),
        "difference": round(review.after.monthly - review.before.monthly, 2),
        "max_monthly": review.max_monthly,
        "too_dear": review.too_dear,
        "prices": {
            "file": review.prices.file,
            "date": review.prices.date,
            "region": review.prices.region,
            "source": review.prices.source,
        },
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "monthly": round(cost.monthly, 2),
        "unknown": len(cost.unknown),
        "lines": [
            {
                "stack": line.stack,
                "resource": line.resource,
                "what": line.what,
                "monthly": line.monthly,
                "per_1000": line.per_1000,
                "once": line.once,
                "basis": line.basis,
                "known": line.known,
            }
            for line in cost.lines
        ],
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "rule": each.rule,
            "severity": each.severity.word,
            "message": each.message,
            "stack": each.place.stack,
            "resource": each.place.resource,
            "construct": each.place.construct,
            "path": each.place.dotted,
            "file": each.place.file,
            "line": each.place.line,
            "value": each.value,
            "limit": each.limit,
            "fix": each.fix,
            "source": each.source,
            "tool": each.tool,
            "also": list(each.also),
            "ignored": each.ignored,
        }
        for each in findings
    ]
