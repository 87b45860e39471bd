"""mailaudit: audits mail servers against rules and shows the evidence.

The folders are the pipeline: `inventory` says which hosts, `connectors` reach them, `platforms` know what to read there and what it
means, `rulebook` judges, `report` tells. `model` and `interfaces` are all that these parts share.
"""

__version__ = "0.1.0"
