import { z } from "zod";
import { attributesSchema } from "./attributes-schema.ts";
import { environmentSchema, roleSchema } from "./schema.ts";

const schemas = { environment: environmentSchema, role: roleSchema, files: attributesSchema };
export type SchemaKind = keyof typeof schemas;
export const schemaKinds = Object.keys(schemas) as SchemaKind[];

/** JSON Schema (draft 2020-12) of what users write: values with defaults may be left out. */
export function jsonSchema(kind: SchemaKind): string {
  return `${JSON.stringify(z.toJSONSchema(schemas[kind], { io: "input" }), undefined, 2)}\n`;
}
