/** The Internet checksum (RFC 1071), for what looks at frames from outside the core: traces, recordings, tests. */

/** One's complement sum of `length` bytes from `offset`, not folded; `initial` is added. The range must lie inside `bytes`. */
export function sumWords(bytes: Uint8Array, offset: number, length: number, initial = 0): number {
  let sum = initial;
  const end = offset + (length & ~1);
  for (let i = offset; i < end; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  // RFC 1071 §1: an odd last byte is padded with zero on the right.
  if (length & 1) sum += (bytes[end] as number) << 8;
  return sum;
}

/** Folds a sum to 16 bits. A range whose checksum field is right folds to 0xFFFF. */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/** Checksum as it stands in a header: the complement of the folded sum. */
export function checksum(bytes: Uint8Array, offset: number, length: number, initial = 0): number {
  return ~fold(sumWords(bytes, offset, length, initial)) & 0xffff;
}

/** Sum of the IPv4 pseudo-header (RFC 9293 §3.1, RFC 768) of the packet whose IPv4 header starts at `ip`. */
export function pseudoHeaderSum4(bytes: Uint8Array, ip: number, protocol: number, transportLength: number): number {
  return sumWords(bytes, ip + 12, 8, protocol + transportLength);
}
