/**
 * TPDUs of the connection-oriented transport protocol (ITU-T X.224 §13, RFC 905), as far as class 2 without explicit flow control
 * has them: CR, CC, DR, DC, DT. Lengths: LI counts the header without itself; what follows the header is user data.
 */
import { rd16, rd8, wr16, wr8 } from "../base/bytes";

/** Codes; CR and CC carry a credit in the low half, which is 0 where nobody uses explicit flow control. */
export const CODE_CR: u32 = 0xe0;
export const CODE_CC: u32 = 0xd0;
export const CODE_DR: u32 = 0x80;
export const CODE_DC: u32 = 0xc0;
export const CODE_DT: u32 = 0xf0;

/** Octets from the start of a TPDU. */
export const COTP_LI: usize = 0;
export const COTP_CODE: usize = 1;
export const COTP_DST_REF: usize = 2;
export const COTP_SRC_REF: usize = 4;
/** Of CR and CC: class in the high half, options in the low. Of DR: the reason. */
export const COTP_CLASS: usize = 6;
export const COTP_REASON: usize = 6;
/** Of DT: end of TSDU and number. */
export const COTP_NR: usize = 4;

/** LI of CR, CC and DR without parameters, of DC, and of DT in normal format (class 2). */
export const LI_CONNECT: u32 = 6;
export const LI_DR: u32 = 6;
export const LI_DC: u32 = 5;
export const LI_DT: u32 = 4;
/** The header of a DT TPDU, LI included. */
export const DT_HEADER: u32 = LI_DT + 1;
/** LI 255 is reserved (X.224 §13.2.1). */
export const LI_MAX: u32 = 254;

/** Class 2, normal format, non-use of explicit flow control (X.224 §13.3.3). */
export const CLASS_2_NO_FLOW_CONTROL: u32 = 0x21;
/** Bit 7 of COTP_NR: this DT ends the message. */
export const EOT: u32 = 0x80;

const PARAMETER_SIZE: u32 = 0xc0;
const PARAMETER_CALLING: u32 = 0xc1;
const PARAMETER_CALLED: u32 = 0xc2;
const PARAMETER_OPTIONS: u32 = 0xc6;

/** Most octets of user data in a DR, and in a CR or CC (X.224 §13.3.5, §13.5.5). */
export const DISCONNECT_DATA_MAX: u32 = 64;
export const CONNECT_DATA_MAX: u32 = 32;
/** Most octets of a transport selector taken. */
export const TSAP_MAX: u32 = 32;

/** TPDU sizes as powers of two (X.224 §13.3.4 b), and RFC 2126's size where none is named. */
const SIZE_LEAST: u32 = 7;
const SIZE_MOST: u32 = 13;
export const TPDU_SIZE_DEFAULT: u32 = 65531;
/** What this side proposes, and the most it agrees to: 8192. */
export const TPDU_SIZE_OURS: u32 = 1 << SIZE_MOST;

/** Reasons of a DR (X.224 §13.5.3). */
export const REASON_NO_TSAP: u32 = 2;
export const REASON_NORMAL: u32 = 128;
export const REASON_CONGESTION: u32 = 129;
export const REASON_NEGOTIATION: u32 = 130;
export const REASON_REFUSED: u32 = 136;

/** What cotpParameters found in a CR or CC. */
export let foundSize: u32 = 0;
/** Place of the called TSAP's octets, 0 = not named; and their number. */
export let calledAt: usize = 0;
export let calledLength: u32 = 0;

/** Length of the header at p of a TPDU of n bytes (LI included), 0 if LI lies or is too short for its fixed part. */
export function cotpCheck(p: usize, n: u32): u32 {
  const li = rd8(p + COTP_LI);
  if (li > LI_MAX || li + 1 > n || li < least(rd8(p + COTP_CODE))) return 0;
  return li + 1;
}

function least(code: u32): u32 {
  switch (code & 0xf0) {
    case CODE_CR:
    case CODE_CC: return LI_CONNECT;
    case CODE_DR: return LI_DR;
    case CODE_DC: return LI_DC;
    case CODE_DT: return LI_DT;
    default: return 1;
  }
}

/**
 * Walks the variable part of a CR or CC of `header` octets (cotpCheck's). False for a parameter that reaches beyond it, or a size that
 * does not exist. Parameters that mean nothing here are passed over (X.224 §13.2.3).
 */
export function cotpParameters(p: usize, header: u32): bool {
  foundSize = TPDU_SIZE_DEFAULT;
  calledAt = 0;
  calledLength = 0;
  let at: u32 = LI_CONNECT + 1;
  while (at < header) {
    if (header - at < 2) return false;
    const code = rd8(p + at), length = rd8(p + at + 1);
    at += 2;
    if (length > header - at) return false;
    if (code == PARAMETER_SIZE) {
      if (length != 1) return false;
      const power = rd8(p + at);
      if (power < SIZE_LEAST || power > SIZE_MOST) return false;
      foundSize = 1 << power;
    } else if (code == PARAMETER_CALLED) {
      calledAt = p + at;
      calledLength = length;
    }
    at += length;
  }
  return true;
}

/** Writes a CR or CC at p: size of TPDUs, both TSAPs (0 = left out), no expedited data. Returns its length. */
export function connectEmit(p: usize, code: u32, dst: u32, src: u32, size: u32, calling: usize, callingLength: u32, called: usize, calledLength: u32): u32 {
  wr8(p + COTP_CODE, code);
  wr16(p + COTP_DST_REF, dst);
  wr16(p + COTP_SRC_REF, src);
  wr8(p + COTP_CLASS, CLASS_2_NO_FLOW_CONTROL);
  let at = p + 7;
  wr8(at, PARAMETER_SIZE);
  wr8(at + 1, 1);
  wr8(at + 2, 31 - clz(size));
  wr8(at + 3, PARAMETER_OPTIONS);
  wr8(at + 4, 1);
  wr8(at + 5, 0);
  at = tsapEmit(at + 6, PARAMETER_CALLING, calling, callingLength);
  at = tsapEmit(at, PARAMETER_CALLED, called, calledLength);
  wr8(p + COTP_LI, <u32>(at - p) - 1);
  return <u32>(at - p);
}

function tsapEmit(at: usize, code: u32, tsap: usize, length: u32): usize {
  if (!length) return at;
  wr8(at, code);
  wr8(at + 1, length);
  memory.copy(at + 2, tsap, length);
  return at + 2 + <usize>length;
}

/** Writes a DR with `length` octets of user data. Returns its length. */
export function disconnectEmit(p: usize, dst: u32, src: u32, reason: u32, data: usize, length: u32): u32 {
  wr8(p + COTP_LI, LI_DR);
  wr8(p + COTP_CODE, CODE_DR);
  wr16(p + COTP_DST_REF, dst);
  wr16(p + COTP_SRC_REF, src);
  wr8(p + COTP_REASON, reason);
  memory.copy(p + LI_DR + 1, data, length);
  return LI_DR + 1 + length;
}

/** Writes a DC. Returns its length. */
export function confirmEmit(p: usize, dst: u32, src: u32): u32 {
  wr8(p + COTP_LI, LI_DC);
  wr8(p + COTP_CODE, CODE_DC);
  wr16(p + COTP_DST_REF, dst);
  wr16(p + COTP_SRC_REF, src);
  return LI_DC + 1;
}

/** Writes the header of a DT; number 0 .. 127. */
export function dataEmit(p: usize, dst: u32, number: u32, last: bool): void {
  wr8(p + COTP_LI, LI_DT);
  wr8(p + COTP_CODE, CODE_DT);
  wr16(p + COTP_DST_REF, dst);
  wr8(p + COTP_NR, number | (last ? EOT : 0));
}

/** Where the TPDU of a DC and a DR name whom they are for. */
// @ts-ignore: decorator
@inline export function cotpDestination(p: usize): u32 { return rd16(p + COTP_DST_REF); }
// @ts-ignore: decorator
@inline export function cotpSource(p: usize): u32 { return rd16(p + COTP_SRC_REF); }
