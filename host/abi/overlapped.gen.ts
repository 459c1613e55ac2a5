// Generated from assembly/abi/overlapped.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Overlapped operations: what stands in WSAOVERLAPPED (semantics K.5) while one is pending and when it is complete, and the
 * Win32 codes that completion ports speak (K.4).
 */

/** WSAOVERLAPPED: status and bytes are the provider's, the flags stand in Offset once the operation is complete, hEvent is the caller's. */
export const OVERLAPPED_INTERNAL = 0;
export const OVERLAPPED_INTERNAL_HIGH = 4;
export const OVERLAPPED_FLAGS = 8;
export const OVERLAPPED_EVENT = 16;

/** Status in Internal. */
export const STATUS_SUCCESS = 0;
export const STATUS_PENDING = 0x103;
export const STATUS_BUFFER_OVERFLOW = 0x80000005;
export const STATUS_INVALID_HANDLE = 0xc0000008;
export const STATUS_INSUFFICIENT_RESOURCES = 0xc000009a;
export const STATUS_DEVICE_NOT_READY = 0xc00000a3;
export const STATUS_PIPE_DISCONNECTED = 0xc00000b0;
export const STATUS_IO_TIMEOUT = 0xc00000b5;
export const STATUS_NOT_SUPPORTED = 0xc00000bb;
export const STATUS_CANCELLED = 0xc0000120;
export const STATUS_LOCAL_DISCONNECT = 0xc000013b;
export const STATUS_REMOTE_DISCONNECT = 0xc000013c;
export const STATUS_INVALID_CONNECTION = 0xc0000140;
export const STATUS_CONNECTION_DISCONNECTED = 0xc000020c;
export const STATUS_CONNECTION_RESET = 0xc000020d;
export const STATUS_CONNECTION_REFUSED = 0xc0000236;
export const STATUS_GRACEFUL_DISCONNECT = 0xc0000237;
export const STATUS_NETWORK_UNREACHABLE = 0xc000023c;
export const STATUS_HOST_UNREACHABLE = 0xc000023d;
export const STATUS_PORT_UNREACHABLE = 0xc000023f;
export const STATUS_CONNECTION_ABORTED = 0xc0000241;
/** An error of Winsock's that has no status of its own: its code stands in the low 16 bits. */
export const STATUS_WINSOCK = 0xe0000000;

/** Codes of the functions around completion ports. */
export const ERROR_INVALID_HANDLE = 6;
export const ERROR_NOT_SUPPORTED = 50;
export const ERROR_NETNAME_DELETED = 64;
export const ERROR_INVALID_PARAMETER = 87;
export const ERROR_SEM_TIMEOUT = 121;
export const ERROR_MORE_DATA = 234;
export const ERROR_PIPE_NOT_CONNECTED = 233;
export const WAIT_TIMEOUT = 258;
export const ERROR_ABANDONED_WAIT_0 = 735;
export const ERROR_OPERATION_ABORTED = 995;
export const ERROR_NOT_FOUND = 1168;
export const ERROR_CONNECTION_REFUSED = 1225;
export const ERROR_GRACEFUL_DISCONNECT = 1226;
export const ERROR_NETWORK_UNREACHABLE = 1231;
export const ERROR_HOST_UNREACHABLE = 1232;
export const ERROR_PORT_UNREACHABLE = 1234;
export const ERROR_CONNECTION_ABORTED = 1236;
export const ERROR_NO_SYSTEM_RESOURCES = 1450;

/** CreateIoCompletionPort with this handle makes a port and associates nothing. */
export const INVALID_HANDLE_VALUE = 0xffffffff;

/** Flags of DisconnectEx (K.1). */
export const TF_DISCONNECT = 1;
export const TF_REUSE_SOCKET = 2;
export const TF_WRITE_BEHIND = 4;

/** Bytes that AcceptEx wants for an address beyond the sockaddr itself. */
export const ACCEPTEX_ADDRESS_EXTRA = 16;
