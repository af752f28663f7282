import type { GoldenImage } from "../image/image.ts";

export interface ImageDecision {
  image: GoldenImage;
  action: "keep" | "remove";
  reasons: string[];
}

/** Which golden images stay: those that something needs by their recipe, and those too young for anything to need them. */
export function decideImages(
  images: readonly GoldenImage[],
  needed: ReadonlyMap<string, readonly string[]>,
  youngerThan: { moment: string; age: string },
): ImageDecision[] {
  return images.map((image) => {
    const reasons = [...(needed.get(image.recipe) ?? [])];
    if (image.createdAt > youngerThan.moment) reasons.push(`younger than ${youngerThan.age}`);
    if (reasons.length > 0) return { image, action: "keep", reasons };
    const why = "no kept point, no current or earlier release, no pinned plan and no server needs it";
    return { image, action: "remove", reasons: [why] };
  });
}
