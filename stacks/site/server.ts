import { tags } from "../../bootstrap/config/names.ts";
import type { Role } from "../../bootstrap/config/schema.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import { encodeUserData, userDataDigest } from "../../cloud-init/user-data.ts";
import type { SiteProps } from "./site.ts";
import { userData } from "./user-data.ts";

/** What a server is launched with, the same for a fixed server and for one of a fleet. */
export interface ServerProfile {
  imageId: string;
  instanceType: string;
  /** Base64 of the rendered user-data, whose digest is a tag: a server of other user-data is another server. */
  userDataBase64: string;
  tags: Record<string, string>;
}

/** The server's name is the role's for a fleet. */
export function serverProfile({ topology, pins }: SiteProps, role: string, server: string): ServerProfile {
  const pin = pins.roles[role];
  if (pin === undefined) {
    throw new RekindleError(
      "bad-input",
      `role ${role} has no image pin for ${pins.site}; run \`rekindle plan\` again`,
    );
  }
  const { environment } = topology;
  const text = userData({ topology, pins }, role, server);
  return {
    imageId: pin.imageId,
    instanceType: environment.roles[role]!.instanceType,
    userDataBase64: Buffer.from(encodeUserData(text)).toString("base64"),
    tags: {
      Name: `${environment.name}-${server}`,
      [tags.environment]: environment.name,
      [tags.site]: pins.site,
      [tags.role]: role,
      [tags.server]: server,
      [tags.release]: pins.release.release,
      [tags.recipe]: pin.recipe,
      [tags.userData]: userDataDigest(text),
    },
  };
}

/** Nothing for a taken image that names no size: then the root volume is as large as the image's. */
export function rootSize({ image }: Role): { volumeSize?: number } {
  return image.rootVolumeGiB === undefined ? {} : { volumeSize: image.rootVolumeGiB };
}
