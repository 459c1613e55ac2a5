/**
 * Devices, interfaces and WASI numbers shared with hosts.
 */

/** Capabilities of a frame device, bits of deviceAdd. */
/** A 12-byte virtio_net_hdr precedes each frame, both ways. */
export const DEVICE_VNET_HEADER: u32 = 1 << 0;
/** The receiver need not verify, the sender need not fill, transport checksums (only with the vnet header's flags). */
export const DEVICE_CHECKSUM_OFFLOAD: u32 = 1 << 1;
/**
 * TCP over IPv4 may cross in packets of up to 65,535 bytes whatever the MTU, each standing for segments of the size that its vnet header
 * states (TSO out, GRO in). Needs the two above.
 */
export const DEVICE_SEGMENT_OFFLOAD: u32 = 1 << 2;

/** Offsets in the record of a device's posted receive buffers (devicePost), u32 each. */
/** Buffers there are, bytes from one to the next, address of the first. */
export const POSTED_COUNT: u32 = 0;
export const POSTED_STRIDE: u32 = 4;
export const POSTED_FIRST: u32 = 8;
/** Buffers the device has filled since the core took them last. */
export const POSTED_FILLED: u32 = 12;
/** Set by the device: older frames are to be read with fd_read. */
export const POSTED_READ: u32 = 16;
/** Length of the frame in each buffer. */
export const POSTED_LENGTHS: u32 = 20;

/** WASI errno values the core meets. */
export const WASI_SUCCESS: i32 = 0;
export const WASI_EAGAIN: i32 = 6;
export const WASI_EBADF: i32 = 8;
export const WASI_ECONNABORTED: i32 = 13;
export const WASI_ECONNREFUSED: i32 = 14;
export const WASI_ECONNRESET: i32 = 15;
export const WASI_EINPROGRESS: i32 = 26;
export const WASI_EINVAL: i32 = 28;
export const WASI_EIO: i32 = 29;
export const WASI_ENETDOWN: i32 = 38;
export const WASI_ENOBUFS: i32 = 42;
export const WASI_ENOSYS: i32 = 52;
export const WASI_EPIPE: i32 = 64;
export const WASI_ETIMEDOUT: i32 = 73;

export const CLOCK_MONOTONIC: i32 = 1;

/** Result of the Lastack set (configure, deviceAdd, …): 0 or above is success, these are failures. */
export const E_STATE: i32 = -1;
export const E_ARGUMENT: i32 = -2;
export const E_MEMORY: i32 = -3;
export const E_FULL: i32 = -4;

export const ABI_VERSION: i32 = 1;
