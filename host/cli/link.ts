/** Opens the stack that a command asked for. */
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { createStack, DeviceError, type FrameDevice, pcapng, type Stack, type StackOptions, type TapOffload, tap } from "../index.ts";
import type { CommonOptions } from "./options.ts";

/** A closed connection whose peer leaves its side open is reported after this time: a command cannot wait for ever. */
const ORPHAN_FIN_WAIT_2_MS = 5000;
const KNOBS = { orphanFinWait2Ms: ORPHAN_FIN_WAIT_2_MS };

/** The kernel sees the carrier of a TAP device some milliseconds after the device was opened: looks, and how long between two, ms. */
const CARRIER_LOOKS = 20;
const CARRIER_PAUSE_MS = 10;

/** What a command runs on, as its JSON output says it. */
export type LinkInfo = { readonly kind: "node" } | { readonly kind: "tap"; readonly name: string; readonly mtu: number; readonly offload: TapOffload };

/** True once the kernel's end of the device is up, running and has an address. */
async function answers(name: string): Promise<boolean> {
  for (let look = 0; look < CARRIER_LOOKS; look++) {
    if (networkInterfaces()[name] !== undefined) return true;
    await delay(CARRIER_PAUSE_MS);
  }
  return false;
}

/** Options for a stack on the chosen link. A TAP device is opened here: whoever makes no stack of it has to close it. */
export async function stackOptions(common: CommonOptions, warn: (text: string) => void): Promise<{ options: StackOptions; link: LinkInfo }> {
  const { link, ip, gateway } = common;
  if (link.kind === "node") return { options: { hostSockets: true, knobs: KNOBS }, link };
  const device = tap(link.name, { offload: link.offload, onGone: (error) => warn(error.message) });
  if (!(await answers(device.name))) {
    warn(`the kernel's end of ${device.name} has no address or is down; if it is to answer: ip address add ADDRESS dev ${device.name} && ip link set ${device.name} up`);
  }
  const recorded: FrameDevice = common.pcap === undefined ? device : pcapng(device, common.pcap);
  const options = {
    devices: [recorded],
    addresses: [ip as string],
    routes: gateway === undefined ? [] : [{ destination: "0.0.0.0/0", gateway }],
    knobs: KNOBS,
  };
  return { options, link: { kind: "tap", name: device.name, mtu: device.mtu, offload: device.offload } };
}

/** Options for a command that runs on host sockets as well: where there is no TAP device, the advice is to use those. */
async function optionsOrAdvice(common: CommonOptions, warn: (text: string) => void): ReturnType<typeof stackOptions> {
  try {
    return await stackOptions(common, warn);
  } catch (error) {
    throw error instanceof DeviceError ? new DeviceError(error.code, `${error.message}; or use --link node`) : error;
  }
}

/** Makes the stack; nothing stays open when that fails. */
export async function openStack(common: CommonOptions, warn: (text: string) => void): Promise<{ stack: Stack; link: LinkInfo }> {
  const { options, link } = await optionsOrAdvice(common, warn);
  try {
    return { stack: await createStack(options), link };
  } catch (error) {
    for (const device of options.devices ?? []) device.close();
    throw error;
  }
}

/** Where to listen: the address given, or on host sockets the loopback, so that nobody else is served unasked. */
export function listenAddress({ link, ip }: CommonOptions): string {
  if (link.kind === "node") return ip ?? "127.0.0.1";
  return (ip as string).split("/")[0] as string;
}

/** The local end of outgoing connections, where one was asked for. */
export function localAddress({ link, ip }: CommonOptions): { localAddress?: string } {
  return link.kind === "node" && ip !== undefined ? { localAddress: ip } : {};
}
