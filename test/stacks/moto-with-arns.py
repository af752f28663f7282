"""moto_server, whose IAM enforcement also knows which parameter, secret or instance a call is about.

As it is, moto decides calls of S3 by action and ARN, but those of SSM, Secrets Manager and EC2 by action alone: it
looks for the resource "*", which no policy of a server names. And it takes every condition for unmet. Here the ARN
comes from the request, and conditions are decided by the instance's tags and the request's tag keys. Test only.
"""

import sys
from urllib.parse import parse_qsl, quote, urlencode

from moto.ec2.models import ec2_backends
from moto.ec2.responses import EC2Response
from moto.iam import access_control
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.server import main
from moto.ssm.responses import SimpleSystemManagerResponse

context = {}


def parameter(self):
    names = self._get_param("Names") or [self._get_param("Name", "")]
    # Several names are one call, and every one of them must be allowed; these tests ask for one at a time.
    return f"arn:aws:ssm:{self.region}:{self.current_account}:parameter{names[0]}"


def secret(self):
    # Secrets Manager ends each ARN with six characters of its own.
    name = self._get_param("SecretId", "")
    return f"arn:aws:secretsmanager:{self.region}:{self.current_account}:secret:{name}-AbCdEf"


def instance(self):
    ids = [values[0] for key, values in self.querystring.items() if key.startswith("ResourceId.")]
    if not ids:
        return "*"
    tags = ec2_backends[self.current_account][self.region].describe_tags({"resource-id": ids})
    context.clear()
    context.update({f"ec2:ResourceTag/{tag['key']}": [tag["value"]] for tag in tags})
    asked = [values[0] for key, values in self.querystring.items() if key.startswith("Tag.") and key.endswith(".Key")]
    context["aws:TagKeys"] = asked
    return f"arn:aws:ec2:{self.region}:{self.current_account}:instance/{ids[0]}"


def conditions_met(self, _):
    for operator, expected in self._statement.get("Condition", {}).items():
        if operator not in ("StringEquals", "ForAllValues:StringEquals"):
            return False
        for key, wanted in expected.items():
            wanted = [wanted] if isinstance(wanted, str) else wanted
            found = context.get(key, [])
            if operator == "StringEquals" and not found:
                return False
            if any(value not in wanted for value in found):
                return False
    return True


SimpleSystemManagerResponse._determine_resource = parameter
SecretsManagerResponse._determine_resource = secret
EC2Response._determine_resource = instance

create_request = access_control.IAMRequestBase._create_aws_request


def request_as_signed(self):
    """moto has the query as people read it; what was signed has every reserved character encoded."""
    path, mark, query = self._path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    self._path = path + mark + urlencode(pairs, quote_via=quote, safe="-_.~")
    return create_request(self)


access_control.IAMRequestBase._create_aws_request = request_as_signed

decide = access_control.IAMPolicyStatement.is_action_permitted


def is_action_permitted(self, action, resource="*", principal=None, values=None):
    """A statement whose conditions are unmet does not apply; moto takes it for a refusal."""
    if principal is None and not conditions_met(self, values):
        return access_control.PermissionResult.NEUTRAL
    return decide(self, action, resource, principal, values)


access_control.IAMPolicyStatement.is_action_permitted = is_action_permitted
access_control.IAMPolicyStatement._check_conditions = conditions_met

main(sys.argv[1:])
