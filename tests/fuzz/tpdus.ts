/** What a peer of a SOCK_SEQPACKET socket says over TCP: TPKT packets with TPDUs of X.224, whole and right, or wrong in one place. */
import type { SeededRandom } from "../../host/base/random.ts";

export const CR = 0xe0;
export const CC = 0xd0;
export const DR = 0x80;
export const DC = 0xc0;
export const DT = 0xf0;
const KINDS = [CR, CC, DR, DC, DT, DT, 0x60, 0x10] as const;

const CLASS_2 = 0x21;
/** Most of it around what one TPDU of the size agreed on may carry. */
const SIZES = [0, 0, 1, 5, 100, 1000, 1400, 8187] as const;
const PARAMETERS: readonly (readonly number[])[] = [
  [], [], [0xc0, 1, 13], [0xc0, 1, 7], [0xc0, 1, 6], [0xc0, 1, 255], [0xc0, 0], [0xc0, 2, 13, 13], [0xc2, 2, 65, 66], [0xc2, 0], [0xc1, 255, 1], [0xc6, 1, 0],
  [0xc2, 200], [0x85, 3, 1, 2, 3], [0xc0],
];

function packet(header: readonly number[], data: Uint8Array): Uint8Array {
  const length = 5 + header.length + data.length;
  return Uint8Array.of(3, 0, length >>> 8, length & 255, header.length, ...header, ...data);
}

function noise(random: SeededRandom, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random.fill(bytes, 0, length);
  return bytes;
}

/** One TPDU of that kind for the connection the core calls `ref`, in its packet. */
export function tpdu(random: SeededRandom, kind: number, ref: number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const to = kind === CR ? 0 : ref;
  const dst = [to >>> 8, to & 255];
  const src = [0, 0x77];
  switch (kind) {
    case DT: return packet([DT, ...dst, random.below(2) << 7 | random.below(128)], noise(random, random.below(40) ? pick(SIZES) : 8188));
    case DC: return packet([DC, ...dst, ...src], noise(random, random.below(12) ? 0 : 3));
    case DR: return packet([DR, ...dst, ...src, 128], noise(random, pick([0, 0, 2, 64, 65])));
    default: return packet([kind, ...dst, ...src, random.below(8) ? CLASS_2 : random.next() & 255, ...pick(PARAMETERS), ...pick(PARAMETERS)], noise(random, random.below(8) ? 0 : 33));
  }
}

/** What a peer says next: one to three TPDUs of the kinds `right` names, some of another kind, some with an octet changed. */
export function talk(random: SeededRandom, right: () => number, ref: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let n = 1 + random.below(3); n > 0; n--) {
    const inOrder = right();
    const kind = random.below(16) ? inOrder : (KINDS[random.below(KINDS.length)] as number);
    const bytes = tpdu(random, kind, random.below(40) ? ref : random.next() & 0xffff);
    if (random.below(12) === 0) {
      // Headers are where the meaning is: lengths, code, references, parameters.
      const at = random.below(Math.min(bytes.length, random.below(4) ? 12 : 30));
      bytes[at] = random.below(2) ? random.next() & 255 : (bytes[at] as number) + 1;
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
