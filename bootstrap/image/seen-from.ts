import type { Place } from "../config/places.ts";
import type { ServerImage } from "./image.ts";

/** The image as a vault's own catalog has it: its AMI is that of the region there, and it knows no others. */
export function imageSeenFrom<I extends ServerImage>(image: I, place: Place): I {
  if (place.name === place.region) return image;
  const own = image.images[place.name];
  return { ...image, images: own === undefined ? {} : { [place.region]: own } };
}
