/** Who moves a socket's bytes. */

/** Our own TCP/IP over frame devices. */
export const PROVIDER_INET: u8 = 1;
/** Sockets of the host through the sock_* imports. Not in tiny. */
export const PROVIDER_HOST: u8 = 2;

/** The provider a switch asks for: in tiny there is no other. */
// @ts-ignore: decorator
@inline export function providerOf(p: u8): u8 { return TINY ? PROVIDER_INET : p; }
