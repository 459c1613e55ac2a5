/** Integers that asc receives through --use (tools/build.mjs). All are i32. */
declare const DEBUG: i32;
declare const TINY: i32;
declare const TINY_SOCKETS: i32;
declare const TINY_CONNECTIONS: i32;
declare const TINY_SEND_BUFFER: i32;
declare const TINY_RECV_BUFFER: i32;
declare const TINY_MTU: i32;
