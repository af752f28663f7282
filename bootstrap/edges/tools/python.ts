import type { ToolContext } from "./context.ts";
import type { Finding } from "./finding.ts";
import { installCommand } from "./install.ts";
import { ask, findProgram } from "./program.ts";

/** A Python that can make virtual environments with pip in them: Debian's own cannot before python3-venv is there. */
export async function findPython(context: ToolContext): Promise<Finding> {
  const found = await findProgram(context, {
    tool: "python3",
    names: ["python3", "python"],
    needs: "3.10",
    package: "python3",
  });
  if (found.kind !== "found") return found;
  if ((await ask(context, found.path, ["-c", "import venv, ensurepip; print('both')"])) !== undefined)
    return found;
  return {
    tool: "python3",
    kind: "missing",
    reason: `${found.path} (${found.version}) has no venv or no ensurepip module`,
    install: installCommand(context, "python3"),
  };
}
