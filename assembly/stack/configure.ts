/**
 * configure(): sizes every table from the configure record and carves them, in the order of the rooms. Nothing is allocated
 * afterwards but buffers from memory/blocks.
 */
import { E_ARGUMENT, E_MEMORY, E_STATE } from "../abi/link";
import { CONFIG_HOST_AREA, CONFIG_HOST_SOCKETS, CONFIG_MAX_CONNECTIONS, CONFIG_MAX_SOCKETS, CONFIG_MEMORY_LIMIT, CONFIG_MTU_MAX, CONFIG_TIME_ORIGIN } from "../abi/config";
import { config, configLoad } from "../base/config";
import { countersReset } from "../base/counters";
import { timeReset } from "../base/time";
import { arenaReset, carve } from "../memory/arena";
import { BLOCK_SHIFT, blocksReset } from "../memory/blocks";
import { chunksReset } from "../memory/chunks";
import { identitiesReset } from "../memory/identities";
import { clockSample, seedFromHost } from "../wasi/preview1";
import { devicesReset } from "../link/device";
import { neighborsReset } from "../link/neighbor";
import { addressesReset } from "../ip/address";
import { icmpReset } from "../ip/icmp";
import { identificationReset } from "../ip/identification";
import { inputReset } from "../ip/input";
import { loopbackReset } from "../ip/loopback";
import { reassemblyReset } from "../ip/reassembly";
import { routesReset } from "../ip/route";
import { tcpReset } from "../tcp/table";
import { hostBlocksReset } from "../provider/hostblock";
import { udpListsReset, udpReset } from "../udp/udp";
import { socketsReady, socketsReset } from "../winsock/tables";
import { ETHER_HEADER } from "../wire/ethernet";
import { VNET_HEADER } from "../wire/vnet";

/** Host area before the first configure, and all there is in tiny. */
const AREA_STATIC: u32 = 256;
const STATIC_AREA = memory.data(256, 16);
let area: usize = 0;
let areaSize: u32 = 0;

/** Where a frame is read to: at 2 mod 4, so that IP headers are 4-aligned with and without a vnet header. */
export let frameBuffer: usize = 0;
export let frameCapacity: u32 = 0;

/** Blocks that must be there for a stack to be of any use: full builds 64 KiB, tiny a send and a receive buffer for each socket and no more. */
const LEAST_BLOCKS: u32 = TINY ? <u32>TINY_SOCKETS * max<u32>(2, <u32>(TINY_SEND_BUFFER + TINY_RECV_BUFFER) >> BLOCK_SHIFT) : 32;

/** A region the host may write to: hostAreaSize() bytes. Configure moves it; ask again afterwards. */
export function hostArea(): usize { return area ? area : STATIC_AREA; }
/** Size of hostArea() in bytes: 256 before the first configure and in tiny, then CONFIG_HOST_AREA. */
export function hostAreaSize(): u32 { return area ? areaSize : AREA_STATIC; }

/**
 * (Re)starts the stack with the configure record (abi/config) of `size` bytes at `record`; size 0 takes every default. Whatever
 * existed before is gone without a word on any wire: sockets, connections, devices, addresses, reports.
 * Returns 0, E_ARGUMENT (record unreadable or a value out of range; nothing has changed but the configuration), E_MEMORY (the
 * tables do not fit under CONFIG_MEMORY_LIMIT) or E_STATE (the host has no randomness); after those only configure may be called.
 */
export function configure(record: usize, size: u32): i32 {
  const top = <u64>memory.size() << 16;
  if (<u64>record + <u64>size > top || !configLoad(record, size)) return E_ARGUMENT;
  arenaReset(config(CONFIG_MEMORY_LIMIT));
  timeReset(config(CONFIG_TIME_ORIGIN));
  clockSample();
  if (!seedFromHost()) return E_STATE;
  countersReset();
  if (!TINY) chunksReset();
  if (!buffers() || !identities() || !network() || !sockets()) return E_MEMORY;
  return blocksReset(LEAST_BLOCKS) && socketsReady() ? 0 : E_MEMORY;
}

function buffers(): bool {
  if (!TINY) {
    areaSize = config(CONFIG_HOST_AREA);
    area = carve(areaSize);
    if (!area) return false;
  }
  frameCapacity = (TINY ? 0 : VNET_HEADER) + ETHER_HEADER + config(CONFIG_MTU_MAX);
  frameBuffer = carve(frameCapacity + 2);
  if (!frameBuffer) return false;
  frameBuffer += 2;
  return true;
}

/** Socket objects outlive their handles until the close is settled, so full builds have one more for each connection. */
function identities(): bool {
  const connections = config(CONFIG_MAX_CONNECTIONS);
  return identitiesReset(connections, TINY ? connections : connections + config(CONFIG_MAX_SOCKETS), TINY ? 0 : config(CONFIG_HOST_SOCKETS));
}

function network(): bool {
  devicesReset();
  addressesReset();
  routesReset();
  identificationReset();
  inputReset();
  loopbackReset();
  reassemblyReset();
  icmpReset();
  return neighborsReset();
}

function sockets(): bool {
  udpListsReset();
  return udpReset() && tcpReset() && (TINY || hostBlocksReset(config(CONFIG_HOST_SOCKETS))) && socketsReset();
}
