import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { describe, expect, test } from "vitest";
import { clients } from "./clients.ts";
import { runningSandbox } from "./gateway.ts";

const sandbox = runningSandbox();
const debian = { Owners: ["136693071363"], Filters: [{ Name: "name", Values: ["debian-12-amd64-*"] }] };
const inRegion = (region: string) => clients(sandbox().endpoint, region);

async function debianImages(region: string): Promise<(string | undefined)[]> {
  const { Images = [] } = await inRegion(region).ec2.send(new DescribeImagesCommand(debian));
  return Images.map(({ ImageId }) => ImageId);
}

describe("Debian's public image", () => {
  test("is found by owner and name, and by Debian's parameter, once in each region", async () => {
    const images = await debianImages("eu-west-1");
    expect(images).toHaveLength(1);
    expect(await debianImages("eu-west-1")).toEqual(images);
    const { Parameter } = await inRegion("eu-west-1").ssm.send(
      new GetParameterCommand({ Name: "/aws/service/debian/release/12/latest/amd64" }),
    );
    expect(Parameter?.Value).toBe(images[0]);
    expect(await debianImages("eu-central-1")).not.toEqual(images);
  });

  test("is there again after a reset", async () => {
    await debianImages("eu-west-1");
    await sandbox().reset();
    expect(await debianImages("eu-west-1")).toHaveLength(1);
  });
});
