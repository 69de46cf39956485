"""The shape of topology.yaml: what a file may say, before anything is said about whether it fits together."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lab.model import Address, Distribution, Firewall, InterfaceAddress, Kind

# Node names appear in host names, namespaces and file names; no "-" because it separates a lab's name from a node's.
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,7}$")]
# The kernel's limit is 15 characters; "-v0" is appended to a VLAN's name.
InterfaceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._]{0,14}$")]
VlanName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,11}$")]
# Lower case and unicast: what the kernel prints and accepts for an interface.
Mac = Annotated[str, Field(pattern=r"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$")]
PackageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
UserName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Asn = Annotated[int, Field(ge=1, le=4294967295)]
Mtu = Annotated[int, Field(ge=1280, le=65535)]

A = TypeVar("A", bound=Address)


def _one_a_family(addresses: list[A]) -> list[A]:
    counts = Counter(address.version for address in addresses)
    for version, count in counts.items():
        if count > 1:
            message = f"{count} addresses of IPv{version}, and there may be one"
            raise ValueError(message)
    return addresses


# One of a family at most, because a second would be in no one's configuration: the first is what all others name.
Addresses = Annotated[list[InterfaceAddress], AfterValidator(_one_a_family)]
SomeAddresses = Annotated[Addresses, Field(min_length=1)]
Gateways = Annotated[list[Address], Field(min_length=1), AfterValidator(_one_a_family)]


class Strict(BaseModel):
    """Refuses what it does not know: a misspelt key must not pass for a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MtuSpec(Strict):
    """Bytes, on links to hosts and between routers."""

    access: Mtu
    fabric: Mtu


class VlanSpec(Strict):
    """A VLAN, its VNI and its anycast gateway, an address a family."""

    vni: Annotated[int, Field(ge=1, le=16777215)]
    gateways: SomeAddresses
    vrr_mac: Mac


class SviSpec(Strict):
    """A leaf's own addresses on a VLAN."""

    addresses: SomeAddresses
    mac: Mac


class InterfaceSpec(Strict):
    """An interface; `vlan` on access ports of leaves alone."""

    addresses: Addresses = []
    mac: Mac | None = None
    vlan: VlanName | None = None


class NodeSpec(Strict):
    """What every node has."""

    kind: Kind
    description: str = ""
    interfaces: dict[InterfaceName, InterfaceSpec]


class HostSpec(NodeSpec):
    """A node that routes nothing itself."""

    gateways: Gateways


class ServerSpec(HostSpec):
    """A server behind a leaf."""

    kind: Literal[Kind.SERVER]
    firewall: Firewall
    distribution: Distribution = Distribution.DEBIAN


class ClientSpec(HostSpec):
    """A host in a VLAN that is no server of a cluster."""

    kind: Literal[Kind.CLIENT]


class OutsideSpec(HostSpec):
    """A host outside the fabric."""

    kind: Literal[Kind.OUTSIDE]


class SpineSpec(NodeSpec):
    """A router without VLANs."""

    kind: Literal[Kind.SPINE]
    asn: Asn
    loopback: IPv4Address


class LeafSpec(NodeSpec):
    """A router with VLANs."""

    kind: Literal[Kind.LEAF]
    asn: Asn
    loopback: IPv4Address
    svis: dict[VlanName, SviSpec]


AnyNode = Annotated[ServerSpec | ClientSpec | OutsideSpec | SpineSpec | LeafSpec, Field(discriminator="kind")]
LinkEnd = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+:[a-z0-9._]+$")]


class TopologySpec(Strict):
    """The whole file."""

    suite: Annotated[str, Field(pattern=r"^[a-z]+$")]
    packages: Annotated[list[PackageName], Field(min_length=1)]
    offline_packages: list[PackageName]
    users: dict[Kind, UserName]
    mtu: MtuSpec
    vlans: dict[VlanName, VlanSpec]
    nodes: dict[NodeName, AnyNode]
    links: list[tuple[LinkEnd, LinkEnd]]
    clusters: dict[VlanName, dict[str, object]] = {}
