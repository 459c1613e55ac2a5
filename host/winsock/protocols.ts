/** WSAPROTOCOL_INFOW (semantics K.5): what a protocol of a provider does. */

/** The record as it stands in memory, 628 bytes; WSADuplicateSocket and WSAEnumProtocols give it, WSASocket opens it. */
export type ProtocolInfo = Uint8Array;

export interface WSAPROTOCOL_INFO {
  /** XP1_ bits: what the protocol does and does not. */
  dwServiceFlags1: number;
  /** PFL_ bits; 8 = PFL_MATCHES_PROTOCOL_ZERO. */
  dwProviderFlags: number;
  /** Names protocol and provider (CATALOG_). */
  dwCatalogEntryId: number;
  iVersion: number;
  iAddressFamily: number;
  iMaxSockAddr: number;
  iMinSockAddr: number;
  iSocketType: number;
  iProtocol: number;
  /** Longest message: 0 = the protocol has no messages, 0xFFFFFFFF = no longest one. */
  dwMessageSize: number;
  szProtocol: string;
  /** The record itself, for WSASocket. */
  info: ProtocolInfo;
}

const AT = {
  services: 0, provider: 16, catalog: 36, version: 72, family: 76, most: 80, least: 84, type: 88, protocol: 92, message: 108, name: 116,
} as const;

export function readProtocolInfo(info: ProtocolInfo): WSAPROTOCOL_INFO {
  const data = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const word = (place: keyof typeof AT): number => data.getUint32(AT[place], true);
  const name = new TextDecoder("utf-16le").decode(info.subarray(AT.name));
  return {
    dwServiceFlags1: word("services"), dwProviderFlags: word("provider"), dwCatalogEntryId: word("catalog"), iVersion: word("version"),
    iAddressFamily: word("family"), iMaxSockAddr: word("most"), iMinSockAddr: word("least"), iSocketType: word("type"), iProtocol: word("protocol"),
    dwMessageSize: word("message"), szProtocol: name.slice(0, name.indexOf("\0")), info,
  };
}
