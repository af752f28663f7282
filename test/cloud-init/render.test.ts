import { describe, expect, it } from "vitest";
import { renderTemplate, TemplateError } from "../../cloud-init/render.ts";
import { someVariables } from "./variables.ts";

function failure(template: string, variables = someVariables()): TemplateError {
  try {
    renderTemplate(template, variables);
  } catch (error) {
    return error as TemplateError;
  }
  throw new Error("the template was rendered");
}

describe("a template", () => {
  it("is filled in wherever a variable stands", () => {
    expect(renderTemplate("a: {{role}} {{role}}\nb: '{{ region }}'\n", someVariables())).toBe(
      "a: web web\nb: 'eu-central-1'\n",
    );
  });

  it("takes an empty value", () => {
    expect(renderTemplate("KEY='{{databases}}'", someVariables())).toBe("KEY=''");
  });

  it("leaves a value's own braces and dollars alone", () => {
    expect(renderTemplate("sh: $' $& ${x}", someVariables())).toBe("sh: $' $& ${x}");
  });

  it("may not ask for what servers do not have", () => {
    const error = failure("#cloud-config\nname: {{rol}}\n");
    expect(error).toBeInstanceOf(TemplateError);
    expect(error.message).toBe("unknown variable {{rol}} in line 2");
    expect(error.line).toBe(2);
  });

  it("may not ask for what every object has", () => {
    expect(failure("{{constructor}}").message).toBe("unknown variable {{constructor}} in line 1");
  });

  it.each([
    "it's",
    "a\nb",
    '"',
    "$(reboot)",
    "`reboot`",
    "a;b",
    "\\",
    "{{role}}",
    "ä",
  ])("takes no value that a shell or YAML could read otherwise: %j", (value) => {
    const error = failure("a\nb: {{hosts}}", someVariables({ hosts: value }));
    expect(error.message).toContain(`{{hosts}} is ${JSON.stringify(value)}`);
    expect(error.line).toBe(2);
  });
});
