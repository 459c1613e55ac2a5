/** Back-quoted text: no shell runs. What stands there is taken apart into the few things scripts use it for. */
import type { Setting } from "./sysctl.ts";
import { Unsupported } from "./state.ts";

export type Command =
  | { kind: "settings"; settings: Setting[] }
  | { kind: "count"; state: string; count: number }
  | { kind: "drop" }
  | { kind: "defaults" }
  | { kind: "nothing" };

/** Splits at newlines, `;` and `&&`, and reads each part. Throws Unsupported for anything else. */
export function parseCommands(text: string): Command[] {
  return text
    .split(/\n|;|&&/)
    .map((part) => part.replace(/\s+/g, " ").trim())
    .filter((part) => part && !part.startsWith("#"))
    .map(parseCommand);
}

function parseCommand(text: string): Command {
  const [word = ""] = text.split(" ");
  const program = word.slice(word.lastIndexOf("/") + 1);
  if (program === "sysctl") return { kind: "settings", settings: sysctlSettings(text) };
  if (program === "set_sysctls.py") return { kind: "settings", settings: procSettings(text.split(" ").slice(1), text) };
  if (program === "echo" && text.includes(">")) return { kind: "settings", settings: [echoSetting(text)] };
  if (program === "sockstat" || program === "netstat" || program === "ss") return countCommand(text);
  if (program === "tcpdrop") return { kind: "drop" };
  if (/^defaults(-\w+)?\.sh$/.test(program)) return { kind: "defaults" };
  if (/^sysctl_restore/.test(program) || program === "true" || program === ":") return { kind: "nothing" };
  throw new Unsupported(`command \`${text.slice(0, 60)}\``);
}

/** `sysctl -q -w a=1 b=2`, `sysctl a="1 2 3"`. */
function sysctlSettings(text: string): Setting[] {
  const rest = text.replace(/^\S*sysctl\s+/, "").replace(/^(-\w+\s+)*/, "").replace(/\s*>\s*\/dev\/null.*$/, "");
  const settings: Setting[] = [];
  const pattern = /([A-Za-z0-9_.]+)\s?=\s?("[^"]*"|'[^']*'|\S+)/g;
  let left = rest;
  for (let m = pattern.exec(rest); m; m = pattern.exec(rest)) {
    settings.push({ name: m[1] as string, value: (m[2] as string).replace(/^["']|["']$/g, "") });
    left = left.replace(m[0], "");
  }
  if (left.trim() || !settings.length) throw new Unsupported(`command \`${text.slice(0, 60)}\``);
  return settings;
}

const fromProc = (path: string): string => path.replace(/^\/proc\/sys\//, "").replaceAll("/", ".");

/** `/proc/sys/net/ipv4/tcp_x=1 …`. */
function procSettings(words: string[], text: string): Setting[] {
  return words.map((word) => {
    const m = /^(\/proc\/sys\/[\w/]+)=(.*)$/.exec(word);
    if (!m) throw new Unsupported(`command \`${text.slice(0, 60)}\``);
    return { name: fromProc(m[1] as string), value: (m[2] as string).replace(/^["']|["']$/g, "") };
  });
}

/** `echo 1 > /proc/sys/net/ipv4/tcp_x`. */
function echoSetting(text: string): Setting {
  const m = /echo\s+(?:-n\s+)?["']?([^"'>]*?)["']?\s*>\s*(\/proc\/sys\/[\w/]+)$/.exec(text);
  if (!m) throw new Unsupported(`command \`${text.slice(0, 60)}\``);
  return { name: fromProc(m[2] as string), value: m[1] as string };
}

/** `sockstat … | grep -c STATE | grep N`: so many connections are in that state. */
function countCommand(text: string): Command {
  const parts = text.split("|").map((p) => p.trim());
  const counted = parts.map((p) => /^grep -c "?([A-Z_0-9-]+)"?$/.exec(p)?.[1]).find((s) => s !== undefined);
  const count = /^grep (?:-q )?"?\^?(\d+)\$?"?$/.exec(parts[parts.length - 1] ?? "")?.[1];
  if (!counted || count === undefined) throw new Unsupported(`command \`${text.slice(0, 60)}\``);
  return { kind: "count", state: counted, count: Number(count) };
}
