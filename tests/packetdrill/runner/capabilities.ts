/**
 * What the core under test can do. A script that needs a missing one is reported as unsupported, by feature; when the core
 * learns it, its line here turns to true and those scripts run.
 */
export const CAPABILITIES = {
  sack: true,
  timestamps: true,
  ipv6: false,
  ecn: true,
  /** Never planned for this runner (packetdrill.md, Subset). */
  "fast open": false,
  md5: false,
  "udp encapsulation": false,
  accecn: false,
  "window scale": true,
  "tcp info": true,
  /** Two more ways to hold text back, of FreeBSD and of one call. */
  nopush: false,
  "mtu probing from the start": false,
  "more to come": false,
  urgent: true,
} as const satisfies Record<string, boolean>;

export type Feature = keyof typeof CAPABILITIES;

export function missing(feature: Feature): boolean {
  return !CAPABILITIES[feature];
}
