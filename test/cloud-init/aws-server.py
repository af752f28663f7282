"""As much of AWS, and of an instance's metadata, as the boot script asks, over the files of a folder.

The folder is in the URL: `/<folder>/<bucket>/<key>`. A `down` file in it makes as many answers fail as it has bytes, a
`deny` file all of them; `instance` holds the instance's id, without which there is no metadata.
"""
import json, os, sys, threading, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MARK = "/root-bucket"


class Aws(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        folder = path[:path.index(MARK)] + MARK
        rest = path[len(folder):]
        if rest.startswith("/latest/"):
            return self.metadata(folder, rest[len("/latest/"):])
        target = self.headers.get("x-amz-target", "")
        with open(folder + "/calls", "a") as file:
            file.write(f"{self.command} {rest} {target}\n")
        if "AWS4-HMAC-SHA256 Credential=test/" not in self.headers.get("authorization", ""):
            return self.answer(403, "<Code>InvalidAccessKeyId</Code>")
        down = folder + "/down"
        if os.path.exists(down) and os.path.getsize(down) > 0:
            os.truncate(down, os.path.getsize(down) - 1)
            self.close_connection = True
            return
        if os.path.exists(folder + "/deny"):
            return self.answer(403, "<Code>AccessDenied</Code>")
        if target:
            return self.secret(folder, target, json.loads(body))
        if self.command == "POST":
            return self.write(folder + "/tags", urllib.parse.unquote(body.decode()).encode())
        key = rest.split("/", 2)[2]
        if self.command == "PUT":
            self.write(folder + "/report-key", key.encode(), answer=False)
            return self.write(folder + "/report", body)
        version = urllib.parse.parse_qs(url.query).get("versionId", [""])[0]
        self.file(f"{folder}/{key}@{version}", "<Code>NoSuchKey</Code>")

    do_GET = do_PUT = do_POST = handle_any

    def metadata(self, folder, path):
        if not os.path.exists(folder + "/instance"):
            return self.answer(404, "")
        if path == "api/token":
            return self.answer(200 if self.headers.get("x-aws-ec2-metadata-token-ttl-seconds") else 400, "a-token")
        if self.headers.get("x-aws-ec2-metadata-token") != "a-token":
            return self.answer(401, "")
        role = "meta-data/iam/security-credentials/"
        if path == role:
            return self.answer(200, "the-role\n")
        if path == role + "the-role":
            return self.answer(200, json.dumps({"AccessKeyId": "test", "SecretAccessKey": "x", "Token": "session"}))
        self.file(folder + "/instance", "")

    def secret(self, folder, target, asked):
        if target == "AmazonSSM.GetParameter":
            name, wrap = "/ssm" + asked["Name"], lambda text: {"Parameter": {"Value": text}}
            missing = "ParameterNotFound"
        else:
            name, wrap = "/secrets/" + asked["SecretId"], lambda text: {"SecretString": text}
            missing = "ResourceNotFoundException"
        if not os.path.exists(folder + name):
            return self.answer(400, json.dumps({"__type": missing}))
        with open(folder + name) as file:
            self.answer(200, json.dumps(wrap(file.read())))

    def file(self, path, missing):
        if not os.path.isfile(path):
            return self.answer(404, missing)
        with open(path, "rb") as file:
            self.answer(200, file.read())

    def write(self, path, content, answer=True):
        with open(path, "wb") as file:
            file.write(content)
        if answer:
            self.answer(200, "")

    def answer(self, status, body):
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


# However the tests end, the other end of this pipe ends with them.
threading.Thread(target=end_with_parent, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
