import { readFileSync } from "node:fs";
import { RekindleError, unknownVersion } from "../bootstrap/errors.ts";
import type { SynthesisInput } from "../bootstrap/recovery/synthesis.ts";

const knownVersion = 1;
const defaultPath = ".rekindle/synthesis.json";

/** The input of a synthesis; its contents were checked by `rekindle synth-input`, which wrote it. */
export function readSynthesisInput(path: string = defaultPath): SynthesisInput {
  const input: unknown = JSON.parse(readText(path));
  const version =
    typeof input === "object" && input !== null && "version" in input ? input.version : undefined;
  if (version !== knownVersion) throw unknownVersion(path, version, knownVersion);
  return input as SynthesisInput;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `cannot read the synthesis input ${path}; run \`rekindle synth-input\` first`,
      {
        cause,
      },
    );
  }
}
