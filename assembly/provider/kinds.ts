/** Who moves a socket's bytes. */

/** Our own TCP/IP over frame devices. */
export const PROVIDER_INET: u8 = 1;
/** Sockets of the host through the sock_* imports. Not in tiny. */
export const PROVIDER_HOST: u8 = 2;
