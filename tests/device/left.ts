/** Rows that are not run on a board, by what they need and it does not have. */

const words = (text: string): string[] => text.trim().split(/\s+/);

const LEFT: readonly { readonly why: string; readonly rows: readonly string[] }[] = [
  {
    why: "uses what the tiny build leaves out: overlapped operations, completion ports, SOCK_SEQPACKET, urgent data, window messages, larger buffers by option",
    rows: words(`
  V-05 V-09 V-23 C-28 C-32 C-33 C-34 C-35 C-36 C-37 C-38 S-14 S-15 S-33 S-35 D-04 D-11 D-16 D-17 D-22 D-23 D-24 D-25 D-26 D-27 D-28 R-11 R-12 R-13
  R-14 R-21 R-25 R-26 R-35 R-36 E-05 E-43 E-56 E-73 E-74 E-75 E-76 H-12 H-13 H-14 H-23 O-27 O-34 O-35 X-17 P-23`),
  },
  {
    why: "moves more bytes than buffers of 2 KiB and the room for arguments hold, or its times follow from that",
    rows: words(`
  V-21 V-25 L-23 L-26 C-02 C-03 C-04 C-14 C-15 C-18 C-21 C-22 C-24 C-47 C-56 S-02 S-20 S-32 D-01 D-10 R-30 E-61 E-62 E-63 E-65 H-09 H-19 O-32 O-37
  W-03 W-10 W-34 T-02 T-03 T-09 T-10 T-12 T-23 T-24 T-26 T-32 T-33 P-04 P-07 P-26`),
  },
  { why: "runs two cores of the acting side at once", rows: ["E-07"] },
  { why: "takes the device away from its core", rows: ["E-29"] },
  { why: "reads WSPPROC_TABLE, which tiny leaves zero", rows: ["H-24"] },
  { why: "asks for the state 24,000 times, each a line on the serial port", rows: ["P-29"] },
];

/** Why a row is not run; undefined = it is. */
export function whyLeft(id: string): string | undefined {
  return LEFT.find(({ rows }) => rows.includes(id))?.why;
}
