/**
 * `{rep LAYER FIELD VALUE}`, `{ins LAYER OFFSET BYTES}`, `{trun LAYER LENGTH}` on a frame about to be injected. Lengths and
 * checksums are brought up to date afterwards, except for what the mutation itself sets; `trun ipv4` leaves the total length
 * as it was, so that it lies.
 */
import { type Mutation, ScriptError } from "./ast.ts";
import { sealChecksums } from "./build.ts";
import { ETHERNET_HEADER, PROTOCOL_TCP } from "./wire.ts";

/** Field name → [offset in its layer, bytes]. */
const FIELDS: Record<string, Record<string, [number, number]>> = {
  ipv4: {
    version_ihl: [0, 1], ihl: [0, 1], tos: [1, 1], tot_len: [2, 2], total_length: [2, 2], id: [4, 2], frag_off: [6, 2],
    ttl: [8, 1], protocol: [9, 1], check: [10, 2], checksum: [10, 2], src: [12, 4], src_ip: [12, 4], dst: [16, 4], dst_ip: [16, 4],
  },
  tcp: {
    src_port: [0, 2], source_port: [0, 2], dst_port: [2, 2], dest_port: [2, 2], seq: [4, 4], seq_num: [4, 4], ack: [8, 4], ack_num: [8, 4],
    doff: [12, 1], data_offset: [12, 1], flags: [13, 1], window: [14, 2], win_size: [14, 2], check: [16, 2], checksum: [16, 2],
    urg_ptr: [18, 2], urgent: [18, 2],
  },
  udp: { src_port: [0, 2], dst_port: [2, 2], len: [4, 2], length: [4, 2], check: [6, 2], checksum: [6, 2] },
};

const LAYER_NAMES: Record<string, string> = { ip: "ipv4", ipv4: "ipv4", tcp: "tcp", udp: "udp" };

/** Applies all in order; throws ScriptError for one that cannot be. */
export function mutate(frame: Uint8Array, mutations: readonly Mutation[], line: number): Uint8Array {
  let bytes = frame;
  const keep = { ip: false, transport: false, length: false };
  for (const mutation of mutations) {
    const layer = LAYER_NAMES[mutation.layer];
    if (!layer || mutation.verb === "mut") throw new ScriptError(line, `mutation ${mutation.verb} ${mutation.layer}`);
    const base = ETHERNET_HEADER + (layer === "ipv4" ? 0 : 20);
    if (mutation.verb === "rep") replace(bytes, layer, base, mutation, line, keep);
    else if (mutation.verb === "ins") bytes = insert(bytes, base, mutation, line);
    else {
      const size = number(mutation.words[0], line);
      bytes = bytes.slice(0, Math.min(bytes.length, base + size));
      if (layer === "ipv4") keep.length = true;
    }
  }
  finish(bytes, keep);
  return bytes;
}

function replace(bytes: Uint8Array, layer: string, base: number, mutation: Mutation, line: number, keep: { ip: boolean; transport: boolean; length: boolean }): void {
  const [field = "", value = ""] = mutation.words;
  const known = FIELDS[layer]?.[field];
  const digits = value.replace(/^0[xX]/, "");
  const [offset, size] = known ?? [number(field, line), Math.max(1, Math.ceil(digits.length / 2))];
  if (base + offset + size > bytes.length) throw new ScriptError(line, `mutation beyond the packet: ${layer} ${field}`);
  let left = number(value, line);
  for (let i = size - 1; i >= 0; i--) {
    bytes[base + offset + i] = left & 255;
    left = Math.floor(left / 256);
  }
  if (field.startsWith("check")) keep[layer === "ipv4" ? "ip" : "transport"] = true;
  if (field === "tot_len" || field === "total_length") keep.length = true;
}

function insert(bytes: Uint8Array, base: number, mutation: Mutation, line: number): Uint8Array {
  const offset = number(mutation.words[0], line);
  const digits = mutation.words.slice(1).map((w) => w.replace(/^0[xX]/, "")).join("");
  if (!digits || digits.length % 2 || /[^0-9a-fA-F]/.test(digits)) throw new ScriptError(line, `syntax: bytes ${digits || "none"}`);
  const added = (digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const at = Math.min(bytes.length, base + offset);
  return Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at)]);
}

function finish(bytes: Uint8Array, keep: { ip: boolean; transport: boolean; length: boolean }): void {
  if (bytes.length < ETHERNET_HEADER + 20) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset + ETHERNET_HEADER);
  if (!keep.length) view.setUint16(2, bytes.length - ETHERNET_HEADER);
  const fits = view.getUint8(9) !== PROTOCOL_TCP || bytes.length >= ETHERNET_HEADER + 40;
  sealChecksums(bytes, { ip: !keep.ip, transport: !keep.transport && fits });
}

function number(text: string | undefined, line: number): number {
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  if (!Number.isInteger(value) || value < 0) throw new ScriptError(line, `syntax: mutation value ${text ?? "missing"}`);
  return value;
}
