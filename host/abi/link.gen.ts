// Generated from assembly/abi/link.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Devices, interfaces and WASI numbers shared with hosts.
 */

/** Capabilities of a frame device, bits of deviceAdd. */
/** A 12-byte virtio_net_hdr precedes each frame, both ways. */
export const DEVICE_VNET_HEADER = 1;
/** The receiver need not verify, the sender need not fill, transport checksums (only with the vnet header's flags). */
export const DEVICE_CHECKSUM_OFFLOAD = 2;
/**
 * TCP over IPv4 may cross in packets of up to 65,535 bytes whatever the MTU, each standing for segments of the size that its vnet header
 * states (TSO out, GRO in). Needs the two above.
 */
export const DEVICE_SEGMENT_OFFLOAD = 4;

/** Offsets in the record of a device's posted receive buffers (devicePost), u32 each. */
/** Buffers there are, bytes from one to the next, address of the first. */
export const POSTED_COUNT = 0;
export const POSTED_STRIDE = 4;
export const POSTED_FIRST = 8;
/** Buffers the device has filled since the core took them last. */
export const POSTED_FILLED = 12;
/** Set by the device: older frames are to be read with fd_read. */
export const POSTED_READ = 16;
/** Length of the frame in each buffer. */
export const POSTED_LENGTHS = 20;

/** WASI errno values the core meets. */
export const WASI_SUCCESS = 0;
export const WASI_EAGAIN = 6;
export const WASI_EBADF = 8;
export const WASI_ECONNABORTED = 13;
export const WASI_ECONNREFUSED = 14;
export const WASI_ECONNRESET = 15;
export const WASI_EINPROGRESS = 26;
export const WASI_EINVAL = 28;
export const WASI_EIO = 29;
export const WASI_ENETDOWN = 38;
export const WASI_ENOBUFS = 42;
export const WASI_ENOSYS = 52;
export const WASI_EPIPE = 64;
export const WASI_ETIMEDOUT = 73;

export const CLOCK_MONOTONIC = 1;

/** Result of the Lastack set (configure, deviceAdd, …): 0 or above is success, these are failures. */
export const E_STATE = -1;
export const E_ARGUMENT = -2;
export const E_MEMORY = -3;
export const E_FULL = -4;

export const ABI_VERSION = 1;
