import type { ServerImage } from "../image/image.ts";

export interface ImageDecision {
  image: ServerImage;
  action: "keep" | "remove";
  reasons: string[];
}

/**
 * Which images stay: those that something needs by their recipe, those too young for anything to need them, and those
 * that were taken of a server.
 */
export function decideImages(
  images: readonly ServerImage[],
  needed: ReadonlyMap<string, readonly string[]>,
  youngerThan: { moment: string; age: string },
): ImageDecision[] {
  return images.map((image) => {
    const reasons = [...(needed.get(image.recipe) ?? [])];
    if (image.kind === "taken") reasons.push(`taken of ${image.source.server}: no recipe makes it again`);
    if (image.createdAt > youngerThan.moment) reasons.push(`younger than ${youngerThan.age}`);
    if (reasons.length > 0) return { image, action: "keep", reasons };
    const why = "no kept point, no current or earlier release, no pinned plan and no server needs it";
    return { image, action: "remove", reasons: [why] };
  });
}
