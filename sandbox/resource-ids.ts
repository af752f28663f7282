import { randomBytes } from "node:crypto";
import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { withForm, withLength } from "./corrections.ts";
import { xmlField } from "./xml-text.ts";

const making =
  /^(CreateDBInstance|CreateDBInstanceReadReplica|RestoreDBInstanceFromDBSnapshot|RestoreDBInstanceToPointInTime)$/;

/**
 * The emulator gives all DB instances one resource id, by which Terraform finds its own. Here each has one of its own,
 * which it keeps when it is renamed, and the emulator and the stand-ins are asked by names.
 */
export class ResourceIds {
  /** `<region>/<identifier>` → id. That of a deleted one stays for what it left, until another one gets the name. */
  readonly #ids = new Map<string, string>();

  /** The same request, by name. */
  asked(request: ApiRequest): ApiRequest {
    if (request.service !== "rds") return request;
    const form = new URLSearchParams(request.form);
    const own = form.get("DbiResourceId");
    if (own !== null) {
      form.set("DBInstanceIdentifier", this.#named(request.region, own));
      form.delete("DbiResourceId");
    }
    for (const [name, value] of request.form) {
      if (value !== "dbi-resource-id" || !/^Filters\.Filter\.\d+\.Name$/.test(name)) continue;
      form.set(name, "db-instance-id");
      const values = name.replace(/Name$/, "Values.");
      for (const [key, id] of request.form)
        if (key.startsWith(values)) form.set(key, this.#named(request.region, id));
    }
    return form.toString() === request.form.toString() ? request : withForm(request, form);
  }

  /** The same answer, with the ids of the instances that it tells of. */
  told({ service, action, region, form }: ApiRequest, answer: Answer): Answer {
    if (service !== "rds" || answer.status >= 300) return answer;
    const identifier = form.get("TargetDBInstanceIdentifier") ?? form.get("DBInstanceIdentifier") ?? "";
    const renamed = form.get("NewDBInstanceIdentifier");
    if (making.test(action)) this.#ids.delete(`${region}/${identifier}`);
    if (action === "ModifyDBInstance" && renamed !== null) this.#rename(region, identifier, renamed);
    const told = answer.body
      .toString()
      .replace(/<(DBInstance|DBSnapshot|DBInstanceAutomatedBackup)>.*?<\/\1>/gs, (xml) =>
        this.#withId(xmlField(xml, "Region") || region, xml),
      );
    const body = Buffer.from(told);
    return { ...answer, headers: withLength(answer.headers, body.length), body };
  }

  reset(): void {
    this.#ids.clear();
  }

  #withId(region: string, xml: string): string {
    const key = `${region}/${xmlField(xml, "DBInstanceIdentifier")}`;
    const id = this.#ids.get(key) ?? `db-${randomBytes(13).toString("hex").toUpperCase()}`;
    this.#ids.set(key, id);
    return xml.replace(/<DbiResourceId>[^<]*</, `<DbiResourceId>${id}<`);
  }

  #rename(region: string, from: string, to: string): void {
    const id = this.#ids.get(`${region}/${from}`);
    this.#ids.delete(`${region}/${from}`);
    if (id !== undefined) this.#ids.set(`${region}/${to}`, id);
  }

  /** Of an id that nobody has there is no instance of that name either. */
  #named(region: string, id: string): string {
    const key = [...this.#ids].find(([key, own]) => own === id && key.startsWith(`${region}/`))?.[0];
    return key?.slice(region.length + 1) ?? id;
  }
}
