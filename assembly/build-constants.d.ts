/**
 * Compile-time constants that asc gets from --use (asconfig.json). They are i32, because asc makes them so: cast where
 * an unsigned number is wanted. The TINY_ sizes exist in every build, but only TINY = 1 obeys them; the full builds
 * take their sizes from the configure record.
 */

/** 1 in lastack.debug.wasm: bounds and invariants are asserted. */
declare const DEBUG: i32;
/** 1 in lastack.tiny.wasm: static pools, frames only. */
declare const TINY: i32;
/** Sockets of the tiny build. */
declare const TINY_SOCKETS: i32;
/** Connection control blocks of the tiny build: open, orphaned and TIME_WAIT. */
declare const TINY_CONNECTIONS: i32;
/** Send buffer of a tiny connection, bytes; a power of two. */
declare const TINY_SEND_BUFFER: i32;
/** Receive buffer of a tiny connection, bytes; a power of two. */
declare const TINY_RECV_BUFFER: i32;
/** Largest MTU of a tiny build's device, bytes. */
declare const TINY_MTU: i32;
