import type { Action, Rule, RuleCondition } from "@aws-sdk/client-elastic-load-balancing-v2";

/** What of a request decides where it goes. */
export interface Asked {
  method: string;
  host: string;
  path: string;
}

/** The action for a request: that of the first rule, by priority, whose conditions are all met. */
export function actionFor(
  asked: Asked,
  rules: readonly Rule[],
  defaults: readonly Action[],
): Action | undefined {
  const ordered = rules
    .filter(({ IsDefault }) => !IsDefault)
    .sort((a, b) => Number(a.Priority) - Number(b.Priority));
  const found = ordered.find(({ Conditions = [] }) =>
    Conditions.every((condition) => isMet(condition, asked)),
  );
  // Whatever comes before the last, such as signing in, is not done here.
  return [...(found?.Actions ?? defaults)].sort((a, b) => (a.Order ?? 0) - (b.Order ?? 0)).at(-1);
}

/** The target groups that get traffic, each as often as its weight says. */
export function targetGroupsOf({ ForwardConfig, TargetGroupArn }: Action): string[] {
  const groups = ForwardConfig?.TargetGroups ?? [];
  if (groups.length === 0) return TargetGroupArn === undefined ? [] : [TargetGroupArn];
  return groups.flatMap(({ TargetGroupArn: arn, Weight = 1 }) => Array<string>(Weight).fill(arn!));
}

function isMet(condition: RuleCondition, { method, host, path }: Asked): boolean {
  switch (condition.Field) {
    case "path-pattern":
      return valuesOf(condition, condition.PathPatternConfig).some((pattern) => like(pattern).test(path));
    case "host-header":
      return valuesOf(condition, condition.HostHeaderConfig).some((pattern) => like(pattern, "i").test(host));
    case "http-request-method":
      return valuesOf(condition, condition.HttpRequestMethodConfig).includes(method);
    default:
      // A condition that is not understood is not met: better the default action than a wrong one.
      return false;
  }
}

function valuesOf(
  { Values = [] }: RuleCondition,
  config: { Values?: string[] | undefined } | undefined,
): string[] {
  return config?.Values ?? Values;
}

/** `*` is any number of characters, `?` is one. */
function like(pattern: string, flags = ""): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, flags);
}
