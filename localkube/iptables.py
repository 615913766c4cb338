"""Our rules in the machine's packet filter: adding the few that we write, finding all that are of our cluster."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

from localkube.commands import run
from localkube.settings import CNI_NETWORK, POD_BRIDGE, POD_RANGE, RULE_COMMENT

FAMILIES = ("iptables", "ip6tables")
WAIT = ("-w", "10")
SHARED_CNI_CHAINS = ("CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK")

OWN_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("nat", "POSTROUTING", ("-s", POD_RANGE, "!", "-d", POD_RANGE, "-j", "MASQUERADE")),
    # A machine that drops forwarded packets by default (Docker does that) would cut the pods off.
    ("filter", "FORWARD", ("-i", POD_BRIDGE, "-j", "ACCEPT")),
    ("filter", "FORWARD", ("-o", POD_BRIDGE, "-j", "ACCEPT")),
)


def add_own_rules() -> None:
    """Let pods out through the machine's address, and let their packets be forwarded."""
    for table, chain, rule in OWN_RULES:
        run(["iptables", *WAIT, "-t", table, "-I", chain, "-m", "comment", "--comment", RULE_COMMENT, *rule])


def remove_rules() -> None:
    """Remove every rule and chain of the cluster, in one transaction per family."""
    for family in FAMILIES:
        if shutil.which(f"{family}-save") is None:
            continue
        for _ in range(3):
            removal = removing(run([f"{family}-save"]))
            if not removal:
                break
            run([f"{family}-restore", *WAIT, "--noflush"], stdin=removal)


def leftovers() -> list[str]:
    """Rules and chains of the cluster that are still there, by `iptables-save`."""
    found = []
    for family in FAMILIES:
        if shutil.which(f"{family}-save") is not None:
            found += [f"{family}: {line}" for line in removing(run([f"{family}-save"])).splitlines() if line[0] == "-"]
    return found


def removing(saved: str) -> str:
    """From `iptables-save`'s output, the input for `iptables-restore --noflush` that removes what is ours.

    Ours are the chains of kube-proxy and the kubelet (KUBE-…), those that CNI made for our network, rules with our
    comment, and every rule elsewhere that jumps into one of these. CNI's shared chains go with them unless another
    network has chains of its own.
    """
    lines: list[str] = []
    for table, chains, rules in tables(saved):
        removed = removal_of(chains, rules)
        if removed:
            lines += [f"*{table}", *removed, "COMMIT"]
    return "".join(f"{line}\n" for line in lines)


def tables(saved: str) -> list[tuple[str, list[str], list[str]]]:
    """`iptables-save`'s output as (table, its own chains, its rules)."""
    found: list[tuple[str, list[str], list[str]]] = []
    for line in saved.splitlines():
        if line.startswith("*"):
            found.append((line[1:], [], []))
        elif line.startswith(":") and line.split()[1] == "-":
            found[-1][1].append(line[1:].split()[0])
        elif line.startswith("-A "):
            found[-1][2].append(line)
    return found


def removal_of(chains: Sequence[str], rules: Sequence[str]) -> list[str]:
    """The commands that remove our part of one table."""
    ours = {chain for chain in chains if chain.startswith("KUBE-")}
    ours |= {target(rule) for rule in rules if of_our_network(rule)}.intersection(chains).difference(SHARED_CNI_CHAINS)
    if not [chain for chain in chains if chain.startswith("CNI-") and chain not in {*ours, *SHARED_CNI_CHAINS}]:
        ours |= set(SHARED_CNI_CHAINS).intersection(chains)
    jumps = [rule for rule in rules if chain_of(rule) not in ours and (target(rule) in ours or commented(rule))]
    ordered = [chain for chain in chains if chain in ours]
    deletions = [rule.replace("-A ", "-D ", 1) for rule in jumps]
    return [*deletions, *(f"-F {chain}" for chain in ordered), *(f"-X {chain}" for chain in ordered)]


def chain_of(rule: str) -> str:
    """The chain that a rule stands in."""
    return rule.split()[1]


def target(rule: str) -> str:
    """Where a rule jumps or goes to; empty when nowhere."""
    found = re.search(r"\s-(?:j|g) (\S+)", rule)
    return found[1] if found else ""


def commented(rule: str) -> bool:
    """Whether a rule carries the comment of this program."""
    return re.search(rf'--comment "?{re.escape(RULE_COMMENT)}"?(\s|$)', rule) is not None


def of_our_network(rule: str) -> bool:
    """Whether CNI wrote a rule for our network: its comment quotes the network's name."""
    return rf"name: \"{CNI_NETWORK}\"" in rule
