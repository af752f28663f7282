import { z } from "zod";

/** The schema at a path of keys, through records, lists and what makes values optional. */
export function schemaAt(schema: z.ZodType, keys: readonly PropertyKey[]): z.ZodType | undefined {
  let current = unwrap(schema);
  for (const key of keys) {
    if (current instanceof z.ZodObject)
      current = unwrap((current.shape as Record<PropertyKey, z.ZodType>)[key]);
    else if (current instanceof z.ZodRecord) current = unwrap(current.valueType as z.ZodType);
    else if (current instanceof z.ZodArray) current = unwrap(current.element as z.ZodType);
    else if (current instanceof z.ZodUnion)
      current = unwrap(alternatives(current).find(({ shape }) => key in shape)?.shape[String(key)]);
    else return undefined;
  }
  return current;
}

/** The keys that the schema knows at a place: those of every alternative of a union. */
export function keysOf(schema: z.ZodType, keys: readonly PropertyKey[]): string[] {
  return alternatives(schemaAt(schema, keys)).flatMap((option) => Object.keys(option.shape));
}

/** The values that tell the alternatives of a union apart. */
export function valuesOf(schema: z.ZodType, keys: readonly PropertyKey[]): string[] {
  const discriminator = String(keys.at(-1));
  return alternatives(schemaAt(schema, keys.slice(0, -1))).flatMap(({ shape }) => {
    const option = shape[discriminator];
    return option instanceof z.ZodLiteral ? [...option.values].map(String) : [];
  });
}

function alternatives(schema: z.ZodType | undefined): z.ZodObject[] {
  const options: readonly unknown[] = schema instanceof z.ZodUnion ? schema.options : [schema];
  return options.filter((option) => option instanceof z.ZodObject);
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let current = schema;
  while (current instanceof z.ZodDefault || current instanceof z.ZodOptional)
    current = current.def.innerType as z.ZodType;
  return current;
}
