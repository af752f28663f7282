"""moto_server that already holds a catalog of many recovery points: arguments are a folder, then moto_server's own.

The folder has buckets.json, keys.tsv (key, id, moment) and point.json, a template in which @ID@ and @AT@ are filled in.
Listing is bisected and its pages are written by hand: moto itself sorts all keys and goes through each key's shape for
every page, so that both tools would wait for moto.
"""

import gc
import json
import sys
from bisect import bisect_right
from hashlib import md5
from pathlib import Path
from xml.sax.saxutils import escape

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.server import main

account = "123456789012"
folder = Path(sys.argv[1])
backend = s3_backends[account]["aws"]
template = (folder / "point.json").read_text()
buckets = []
for name, region in json.loads((folder / "buckets.json").read_text()).items():
    bucket = backend.create_bucket(name, region)
    bucket.versioning_status = "Enabled"
    buckets.append(bucket)

# Nothing of this ever becomes garbage, and looking for it takes longer than making it.
gc.disable()
for line in (folder / "keys.tsv").read_text().splitlines():
    name, point, moment = line.split("\t")
    body = template.replace("@ID@", point).replace("@AT@", moment).encode()
    # Given its digest, it does not compute it while it is listed.
    etag = md5(body).hexdigest()
    key = FakeKey(name, body, account, "eu-central-1", etag=etag, is_versioned=True, bucket_name=buckets[0].name)
    # A point's entry is the same in every region.
    for bucket in buckets:
        bucket.keys[name] = key
gc.freeze()
gc.enable()

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

serialized = S3Response.serialized


def written_by_hand(self, action_result):
    """The long list of a page as moto writes it, without its serializer: else both tools wait for that."""
    if not isinstance(action_result.result, dict) or "Contents" not in action_result.result:
        return serialized(self, action_result)
    contents = action_result.result.pop("Contents")
    status, headers, body = serialized(self, action_result)
    lines = (
        f"<Contents><Key>{escape(key['Key'])}</Key><LastModified>{key['LastModified']}</LastModified>"
        f"<ETag>{escape(key['ETag'])}</ETag><Size>{key['Size']}</Size>"
        f"<StorageClass>{key['StorageClass']}</StorageClass></Contents>"
        for key in contents
    )
    body = body.decode() if isinstance(body, bytes) else body
    head, end, _ = body.rpartition("</ListBucketResult>")
    return status, headers, head + "".join(lines) + end


S3Response.serialized = written_by_hand

main(sys.argv[2:])
