import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { jsonSchema, schemaKinds } from "../../bootstrap/config/json-schema.ts";

test.for(schemaKinds)("configs/%s.schema.json is the exported schema", (kind) => {
  expect(readFileSync(`configs/${kind}.schema.json`, "utf8")).toBe(jsonSchema(kind));
});
