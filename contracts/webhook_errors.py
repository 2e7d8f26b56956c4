"""What can go wrong with webhooks; a part of the catalogue. What receivers do is the state of a delivery."""

from contracts.fault import Fault

DELIVERY_NOT_FOUND = Fault(
    "DELIVERY_NOT_FOUND", 101, "there is no delivery {delivery_id}",
    "Check the id; deliveries go with their jobs, and after RETENTION_DAYS.", 404,
)  # fmt: skip
