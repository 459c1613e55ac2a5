/** Addresses in arguments. */
import type { Expr } from "./ast.ts";
import { evaluate, needNumber } from "./posix.ts";
import { Unsupported } from "./state.ts";

/** An address argument: `...` or `{sa_family = AF_INET, sin_port = htons(N), sin_addr = inet_addr("A")}`. */
export function addressOf(expr: Expr | undefined, fallback: { address: string; port: number }, line: number): { address: string; port: number } {
  if (!expr || expr.kind === "ellipsis") return fallback;
  if (expr.kind !== "struct") throw new Unsupported("address that is no sockaddr");
  const result = { ...fallback };
  for (const field of expr.fields) {
    if (field.name === "sa_family" || field.name === "sin_family") {
      if (!evaluate(field.value, line).names.has("AF_INET")) throw new Unsupported("feature: IPv6");
    } else if (field.name === "sin_port") {
      result.port = needNumber(field.value, "port", line);
    } else if (field.name === "sin_addr" && field.value.kind === "call") {
      const [text] = field.value.args;
      result.address = text?.kind === "string" ? text.text : fallback.address;
    } else if (field.name === "sin_addr") {
      result.address = evaluate(field.value, line).names.has("INADDR_ANY") ? "0.0.0.0" : fallback.address;
    }
  }
  return result;
}
