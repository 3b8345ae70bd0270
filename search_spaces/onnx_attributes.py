"""Attributes of a node, without those that are the default: exporters differ in what they spell out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING

from .onnx_values import Attribute, standard

if TYPE_CHECKING:
    from onnx import AttributeProto, NodeProto


def attributes(node: NodeProto, version: int) -> dict[str, Attribute]:
    """Name -> number, text or numbers; tensors, graphs and lists of other things are left out."""
    defaults = _defaults(node.op_type, standard(node.domain), version)
    found = {each.name: _attribute(each) for each in node.attribute}
    return {name: value for name, value in found.items() if value is not None and defaults.get(name) != value}


def bound(node: NodeProto, values: Mapping[str, AttributeProto], left_out: Set[str]) -> NodeProto:
    """A function's node with the attributes of a call in place of its parameters, without the inputs left out."""
    if not any(each.ref_attr_name for each in node.attribute) and left_out.isdisjoint(node.input):
        return node
    from onnx import NodeProto

    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = ["" if name in left_out else name for name in node.input]
    del copy.attribute[:]
    for each in node.attribute:
        if each.ref_attr_name in values or not each.ref_attr_name:
            added = copy.attribute.add()
            added.CopyFrom(values.get(each.ref_attr_name, each))
            added.name = each.name
    return copy


@lru_cache(maxsize=1024)
def _defaults(kind: str, domain: str, version: int) -> Mapping[str, Attribute | None]:
    from onnx import defs

    try:
        schema = defs.get_schema(kind, version, domain)
    except defs.SchemaError:
        return {}
    return {name: _attribute(each.default_value) for name, each in schema.attributes.items()}


def _attribute(proto: AttributeProto) -> Attribute | None:
    if proto.type == proto.INTS:
        return tuple(proto.ints)
    if proto.type == proto.STRING:
        return proto.s.decode(errors="replace")
    return {proto.INT: proto.i, proto.FLOAT: proto.f}.get(proto.type)
