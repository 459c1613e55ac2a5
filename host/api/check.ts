/** Checks of what callers pass in. Every refusal names the argument, its value and what was expected. */

const SHOWN_LENGTH = 60;

/** A value as it stands in a message: short, one line, strings quoted. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(value);
    return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH - 4)}..."`;
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return `an object (${Object.getPrototypeOf(value)?.constructor?.name ?? "no prototype"})`;
}

export function wrongType(argument: string, value: unknown, expected: string): TypeError {
  return new TypeError(`${argument} is ${show(value)}; expected ${expected}`);
}

export function wrongValue(argument: string, value: unknown, expected: string): RangeError {
  return new RangeError(`${argument} is ${show(value)}; expected ${expected}`);
}

/** An options object whose keys are all known: a misspelt option is refused instead of ignored. */
export function checkOptions<T extends object>(argument: string, value: T, known: readonly string[]): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(argument, value, "an object");
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new TypeError(`${argument}.${key} is no option; expected one of ${known.join(", ")}`);
  }
  return value;
}

/** An integer from `min` to `max`, both included; `unit` is said in the message. */
export function checkInteger(argument: string, value: unknown, min: number, max: number, unit = ""): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  const expected = `an integer from ${min} to ${max}${unit && ` ${unit}`}`;
  throw typeof value === "number" ? wrongValue(argument, value, expected) : wrongType(argument, value, expected);
}

/** A port to talk to: 1 to 65535. */
export const checkPort = (argument: string, value: unknown): number => checkInteger(argument, value, 1, 65535);

/** A port of one's own: 0 lets the stack choose. */
export const checkLocalPort = (argument: string, value: unknown): number => checkInteger(argument, value, 0, 65535);

/** Longest time that timers here and in the core take, milliseconds (24.8 days). */
export const TIME_MAX_MS = 2 ** 31 - 1;

export const checkTime = (argument: string, value: unknown, min = 0): number => checkInteger(argument, value, min, TIME_MAX_MS, "milliseconds");

export function checkBoolean(argument: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw wrongType(argument, value, "true or false");
  return value;
}

/** One of a closed set of words. */
export function checkWord<T extends string>(argument: string, value: unknown, words: readonly T[]): T {
  if (!words.includes(value as T)) {
    const expected = words.map((word) => `"${word}"`).join(" or ");
    throw typeof value === "string" ? wrongValue(argument, value, expected) : wrongType(argument, value, expected);
  }
  return value as T;
}

export function checkArray(argument: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(argument, value, "an array");
  return value;
}

/** Bytes to read from or write into, as a Uint8Array over the same memory. */
export function checkBytes(argument: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const hint = typeof value === "string" ? " (encode text with new TextEncoder().encode(text))" : "";
  throw wrongType(argument, value, `a Uint8Array or another view of an ArrayBuffer${hint}`);
}

/** undefined or an AbortSignal. A signal that has fired already is the caller's to look at. */
export function checkSignal(argument: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw wrongType(argument, value, "an AbortSignal");
}
