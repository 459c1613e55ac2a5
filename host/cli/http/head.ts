/** The heads of HTTP/1.1 messages (RFC 9112 §2 to §5): start line and fields. */

/** What is wrong with a message; the status is that of a server's answer. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Head {
  readonly start: string;
  /** Values by lower-case name, in the order they came. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

const FIELDS_MAX = 100;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.5: no control characters but the tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

export const isToken = (text: string): boolean => TOKEN.test(text);

/** Reads a head. Throws HttpError 400 for what is none. */
export function parseHead(text: string): Head {
  const [start = "", ...lines] = text.split(/\r?\n/);
  if (CONTROL.test(start)) throw new HttpError(400, "the start line has control characters");
  if (lines.length > FIELDS_MAX) throw new HttpError(431, `more than ${FIELDS_MAX} fields`);
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    // RFC 9112 §5.1, §5.2: no space before the colon, no folded lines.
    if (!TOKEN.test(name) || CONTROL.test(line)) throw new HttpError(400, "a field is malformed");
    const key = name.toLowerCase();
    const values = fields.get(key) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(key, values);
  }
  return { start, fields };
}

/** The elements of a field that is a list, lower case: `Connection: keep-alive, Upgrade`. */
export function listOf(head: Head, name: string): string[] {
  return (head.fields.get(name) ?? []).flatMap((value) => value.split(",")).map((value) => value.trim().toLowerCase()).filter(Boolean);
}

/**
 * The Content-Length, undefined without one. Equal repetitions are one (RFC 9110 §8.6).
 * @throws HttpError 400 for what is no length.
 */
export function contentLength(head: Head): number | undefined {
  const values = new Set(listOf(head, "content-length"));
  if (values.size === 0) return undefined;
  const [value = ""] = values;
  if (values.size > 1 || !/^\d{1,15}$/.test(value)) throw new HttpError(400, "the Content-Length is no length");
  return Number(value);
}

/** Text for a terminal or a log: what is not plain ASCII is written as its number. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
