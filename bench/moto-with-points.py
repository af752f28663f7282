"""moto_server that already holds a catalog of many recovery points: arguments are a folder, then moto_server's own.

The folder has keys.tsv (key, id, moment) and one template of a point for each bucket, <bucket>.json, in which @ID@ and
@AT@ are filled in. Listing is bisected: moto itself sorts all keys for every page, so that both tools would wait for moto.
"""

import sys
from bisect import bisect_right
from pathlib import Path

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.server import main

account = "123456789012"
folder = Path(sys.argv[1])
backend = s3_backends[account]["aws"]
points = [line.split("\t") for line in (folder / "keys.tsv").read_text().splitlines()]

for file in folder.glob("rekindle-*.json"):
    name = file.stem
    region = name.split(account + "-")[1]
    bucket = backend.create_bucket(name, region)
    bucket.versioning_status = "Enabled"
    template = file.read_text()
    for key, point, moment in points:
        body = template.replace("@ID@", point).replace("@AT@", moment).encode()
        bucket.keys[key] = FakeKey(key, body, account, region, is_versioned=True, bucket_name=name)

sorted_keys = {}


def list_objects_v2(self, bucket, prefix, delimiter, continuation_token, start_after, max_keys):
    count, names = sorted_keys.get(bucket.name, (0, []))
    if count != len(bucket.keys):
        names = sorted(name for name, _ in bucket.keys.items())
        sorted_keys[bucket.name] = (len(names), names)
    after = self._pagination_tokens.get(continuation_token) if continuation_token else start_after
    prefix = prefix or ""
    at = max(bisect_right(names, after or ""), bisect_right(names, prefix))
    page = []
    while at < len(names) and names[at].startswith(prefix) and len(page) <= max_keys:
        key = bucket.keys[names[at]]
        if not isinstance(key, FakeDeleteMarker):
            page.append(key)
        at += 1
    return self._truncate_result(page, max_keys)


S3Backend.list_objects_v2 = list_objects_v2

main(sys.argv[2:])
