"""Which hosts there are, how each is reached, and what its owner says about it.

    inventory = load(["inventory.yaml"])
    hosts = select(inventory, "mx:!edge")

Plain YAML is read natively, with the line of every value; everything else of Ansible's is read by the user's Ansible.
"""

from __future__ import annotations

from auditor.inventory.load import Inventory, Shown, load
from auditor.inventory.patterns import select_names
from auditor.inventory.secrets import Secrets
from auditor.inventory.select import ask, local, override, select, single

__all__ = ["Inventory", "Secrets", "Shown", "ask", "load", "local", "override", "select", "select_names", "single"]
