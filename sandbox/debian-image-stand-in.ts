import { type Answer, jsonAnswer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { withLength } from "./corrections.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService, forward } from "./forward.ts";
import type { StandIn } from "./stand-in.ts";

/** Debian's own account, and the parameter under which it publishes its newest image of Debian 12. */
const debianAccount = "136693071363";
const debianParameter = "/aws/service/debian/release/12/latest/amd64";

/** Stands in for Debian's public image of each region, which the emulator lacks: the first look registers one. */
export class DebianImageStandIn implements StandIn {
  readonly #images = new Map<string, Promise<string>>();

  async answer(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
    const { service, action, region, form, body, rawHeaders } = request;
    if (service === "ssm" && action === "GetParameter" && parameterName(body) === debianParameter) {
      return parameterAnswer(region, await this.#image(emulator, region));
    }
    const owner = [...form].find(([name, value]) => /^Owner\.\d+$/.test(name) && value === debianAccount);
    if (service !== "ec2" || action !== "DescribeImages" || owner === undefined) return undefined;
    await this.#image(emulator, region);
    // The emulator's account has registered it.
    const asked = new URLSearchParams(form);
    asked.set(owner[0], "self");
    const text = Buffer.from(asked.toString());
    return forward(emulator, {
      ...request,
      form: asked,
      body: text,
      rawHeaders: withLength(rawHeaders, text.length),
    });
  }

  async after(): Promise<void> {}

  reset(): void {
    this.#images.clear();
  }

  /** Its id in a region. */
  #image(emulator: Emulator, region: string): Promise<string> {
    const known = this.#images.get(region) ?? register(emulator, region);
    this.#images.set(region, known);
    known.catch(() => this.#images.delete(region));
    return known;
  }
}

async function register(emulator: Emulator, region: string): Promise<string> {
  const answer = await callQueryService(emulator, "ec2", region, {
    Action: "RegisterImage",
    Version: "2016-11-15",
    Name: "debian-12-amd64-20260101-0000",
    Description: "Rekindle's stand-in for Debian's public image",
    RootDeviceName: "/dev/xvda",
    Architecture: "x86_64",
    VirtualizationType: "hvm",
  });
  return /<imageId>([^<]+)<\/imageId>/.exec(answer)![1]!;
}

function parameterName(body: Buffer): unknown {
  try {
    return (JSON.parse(body.toString()) as { Name?: unknown }).Name;
  } catch {
    return undefined;
  }
}

function parameterAnswer(region: string, image: string): Answer {
  return jsonAnswer(200, {
    Parameter: {
      ARN: `arn:aws:ssm:${region}::parameter${debianParameter}`,
      Name: debianParameter,
      Type: "String",
      Value: image,
      Version: 1,
      DataType: "text",
    },
  });
}
