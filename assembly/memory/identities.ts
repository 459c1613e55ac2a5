/**
 * Who owns which timer identity of memory/deadlines: connections first, then socket objects, then the few tables
 * that tick as a whole.
 */
import { deadlinesReset } from "./deadlines";

let connections: u32 = 0;
let sockets: u32 = 0;

const TABLES: u32 = 5;

export function identitiesReset(maxConnections: u32, maxSocketObjects: u32, hostSockets: u32 = 0): bool {
  connections = maxConnections;
  sockets = maxSocketObjects;
  return deadlinesReset(connections + sockets + TABLES + hostSockets);
}

// @ts-ignore: decorator
@inline export function idOfConnection(i: u32): u32 { return i; }
// @ts-ignore: decorator
@inline export function idOfSocket(i: u32): u32 { return connections + i; }
export function idOfNeighbors(): u32 { return connections + sockets; }
export function idOfReassembly(): u32 { return connections + sockets + 1; }
export function idOfServices(): u32 { return connections + sockets + 2; }
/** Callers that wait at completion ports. */
export function idOfPorts(): u32 { return connections + sockets + 3; }

/** Records of connections in TIME_WAIT. */
export function idOfWaiting(): u32 { return connections + sockets + 4; }

/** Block i of provider/hostblock. */
export function idOfHost(i: u32): u32 { return connections + sockets + TABLES + i; }

// @ts-ignore: decorator
@inline export function isConnection(id: u32): bool { return id < connections; }
// @ts-ignore: decorator
@inline export function isSocket(id: u32): bool { return id >= connections && id < connections + sockets; }
/** Index of the socket object behind an identity for which isSocket holds. */
// @ts-ignore: decorator
@inline export function socketOf(id: u32): u32 { return id - connections; }
export function isHost(id: u32): bool { return id >= connections + sockets + TABLES; }
export function hostOf(id: u32): u32 { return id - connections - sockets - TABLES; }
