"""moto_server, whose copies of EBS snapshots take time and room, as AWS's do. Test only.

As it is, moto has a copy complete when it answers. Here one is pending for COPY_SECONDS and tells its progress, a
region refuses another one while COPIES_AT_ONCE are pending, and one for a key that is disabled ends in error.
"""

import os
import sys
import time

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import EBSBackend, Snapshot
from moto.kms.models import kms_backends
from moto.server import main

seconds = float(os.environ.get("COPY_SECONDS", "0"))
at_once = int(os.environ.get("COPIES_AT_ONCE", "20"))
copy_at_once = EBSBackend.copy_snapshot


def passed(snapshot):
    """The part of a copy's time that is over."""
    begun = snapshot.__dict__.get("copy_begun")
    return 1 if begun is None or seconds == 0 else min(1, (time.monotonic() - begun) / seconds)


def status(snapshot):
    if passed(snapshot) < 1:
        return "pending"
    if snapshot.__dict__.get("key_is_disabled"):
        return "error"
    return "completed"


Snapshot.status = property(status, lambda snapshot, value: None)
Snapshot.progress = property(lambda snapshot: f"{int(100 * passed(snapshot))}%")
Snapshot.state_message = property(
    lambda snapshot: "Given key ID is not accessible" if snapshot.status == "error" else None
)


def copy_snapshot(self, source_snapshot_id, source_region, description, kms_key_id):
    if sum(snapshot.status == "pending" for snapshot in self.snapshots.values()) >= at_once:
        raise EC2ClientError("ResourceLimitExceeded", "Too many snapshot copies are in progress.")
    copy = copy_at_once(self, source_snapshot_id, source_region, description, kms_key_id)
    copy.copy_begun = time.monotonic()
    key = (kms_key_id or "").split("/")[-1]
    keys = kms_backends[self.account_id][self.region_name].keys
    copy.key_is_disabled = key in keys and keys[key].key_state == "Disabled"
    return copy


EBSBackend.copy_snapshot = copy_snapshot

main(sys.argv[1:])
