/**
 * Overlapped operations: what stands in WSAOVERLAPPED (semantics K.5) while one is pending and when it is complete, and the
 * Win32 codes that completion ports speak (K.4).
 */

/** WSAOVERLAPPED: status and bytes are the provider's, the flags stand in Offset once the operation is complete, hEvent is the caller's. */
export const OVERLAPPED_INTERNAL: u32 = 0;
export const OVERLAPPED_INTERNAL_HIGH: u32 = 4;
export const OVERLAPPED_FLAGS: u32 = 8;
export const OVERLAPPED_EVENT: u32 = 16;

/** Status in Internal. */
export const STATUS_SUCCESS: u32 = 0;
export const STATUS_PENDING: u32 = 0x103;
export const STATUS_BUFFER_OVERFLOW: u32 = 0x80000005;
export const STATUS_INVALID_HANDLE: u32 = 0xc0000008;
export const STATUS_INSUFFICIENT_RESOURCES: u32 = 0xc000009a;
export const STATUS_DEVICE_NOT_READY: u32 = 0xc00000a3;
export const STATUS_PIPE_DISCONNECTED: u32 = 0xc00000b0;
export const STATUS_IO_TIMEOUT: u32 = 0xc00000b5;
export const STATUS_NOT_SUPPORTED: u32 = 0xc00000bb;
export const STATUS_CANCELLED: u32 = 0xc0000120;
export const STATUS_LOCAL_DISCONNECT: u32 = 0xc000013b;
export const STATUS_REMOTE_DISCONNECT: u32 = 0xc000013c;
export const STATUS_INVALID_CONNECTION: u32 = 0xc0000140;
export const STATUS_CONNECTION_DISCONNECTED: u32 = 0xc000020c;
export const STATUS_CONNECTION_RESET: u32 = 0xc000020d;
export const STATUS_CONNECTION_REFUSED: u32 = 0xc0000236;
export const STATUS_GRACEFUL_DISCONNECT: u32 = 0xc0000237;
export const STATUS_NETWORK_UNREACHABLE: u32 = 0xc000023c;
export const STATUS_HOST_UNREACHABLE: u32 = 0xc000023d;
export const STATUS_PORT_UNREACHABLE: u32 = 0xc000023f;
export const STATUS_CONNECTION_ABORTED: u32 = 0xc0000241;
/** An error of Winsock's that has no status of its own: its code stands in the low 16 bits. */
export const STATUS_WINSOCK: u32 = 0xe0000000;

/** Codes of the functions around completion ports. */
export const ERROR_INVALID_HANDLE: i32 = 6;
export const ERROR_NOT_SUPPORTED: i32 = 50;
export const ERROR_NETNAME_DELETED: i32 = 64;
export const ERROR_INVALID_PARAMETER: i32 = 87;
export const ERROR_SEM_TIMEOUT: i32 = 121;
export const ERROR_MORE_DATA: i32 = 234;
export const ERROR_PIPE_NOT_CONNECTED: i32 = 233;
export const WAIT_TIMEOUT: i32 = 258;
export const ERROR_ABANDONED_WAIT_0: i32 = 735;
export const ERROR_OPERATION_ABORTED: i32 = 995;
export const ERROR_NOT_FOUND: i32 = 1168;
export const ERROR_CONNECTION_REFUSED: i32 = 1225;
export const ERROR_GRACEFUL_DISCONNECT: i32 = 1226;
export const ERROR_NETWORK_UNREACHABLE: i32 = 1231;
export const ERROR_HOST_UNREACHABLE: i32 = 1232;
export const ERROR_PORT_UNREACHABLE: i32 = 1234;
export const ERROR_CONNECTION_ABORTED: i32 = 1236;
export const ERROR_NO_SYSTEM_RESOURCES: i32 = 1450;

/** CreateIoCompletionPort with this handle makes a port and associates nothing. */
export const INVALID_HANDLE_VALUE: u32 = 0xffffffff;

/** Flags of DisconnectEx (K.1). */
export const TF_DISCONNECT: u32 = 1;
export const TF_REUSE_SOCKET: u32 = 2;
export const TF_WRITE_BEHIND: u32 = 4;

/** Bytes that AcceptEx wants for an address beyond the sockaddr itself. */
export const ACCEPTEX_ADDRESS_EXTRA: u32 = 16;
