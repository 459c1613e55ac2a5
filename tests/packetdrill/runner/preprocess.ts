/** `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`, by lines; line numbers stay what they are in the file. */
import { ScriptError } from "./ast.ts";

interface Branch {
  line: number;
  taken: boolean;
  sawElse: boolean;
}

const DIRECTIVE = /^\s*#\s*([A-Za-z]+)\s*([A-Za-z0-9_]*)\s*(?:\/\/.*|\/\*.*)?$/;

/** Returns the text with directives and untaken lines blanked. Throws ScriptError on a directive that does not fit. */
export function preprocess(text: string, defined: ReadonlySet<string>): string {
  const open: Branch[] = [];
  const lines = text.split("\n").map((raw, index) => {
    const line = index + 1;
    const match = /^\s*#/.test(raw) ? DIRECTIVE.exec(raw.trimEnd()) : null;
    if (!match) {
      if (/^\s*#/.test(raw)) throw new ScriptError(line, `directive ${raw.trim()}`);
      return open.every((branch) => branch.taken) ? raw : "";
    }
    direct(open, line, match[1] ?? "", match[2] ?? "", defined);
    return "";
  });
  const last = open[open.length - 1];
  if (last) throw new ScriptError(last.line, "#ifdef without #endif");
  return lines.join("\n");
}

function direct(open: Branch[], line: number, word: string, name: string, defined: ReadonlySet<string>): void {
  const top = open[open.length - 1];
  switch (word) {
    case "ifdef":
    case "ifndef":
      if (!name) throw new ScriptError(line, `#${word} without a name`);
      open.push({ line, taken: defined.has(name) === (word === "ifdef"), sawElse: false });
      return;
    case "else":
      if (!top || top.sawElse) throw new ScriptError(line, "#else without #ifdef");
      top.taken = !top.taken;
      top.sawElse = true;
      return;
    case "endif":
      if (!top) throw new ScriptError(line, "#endif without #ifdef");
      open.pop();
      return;
    default:
      throw new ScriptError(line, `directive #${word}`);
  }
}
